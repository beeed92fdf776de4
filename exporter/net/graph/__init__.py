"""Microsoft Graph (v1.0): mail of a mailbox in Exchange Online by HTTPS, through aiohttp's client.

Microsoft's SDK (msgraph-sdk) is generated from all of Graph: 35 MiB of it describe what is not
mail, it repeats POST requests by itself after 503 and 504, which sends a message twice, and it
reads answers of any size.
"""
