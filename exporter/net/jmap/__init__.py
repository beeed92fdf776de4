"""The client of JMAP (RFC 8620): sessions, method calls, blobs and events, over aiohttp."""
