"""Blocklists (RFC 5782): queries about an address or a domain, and whether a list is usable.

`AddressLists` and `DomainLists` are the options; `BlockListOptions.blocklist` makes a `Blocklist`
of an entry; `Blocklists.look_up` queries it about a `Subject` and answers with an
`exporter.core.model.Listing`, always. `Lookups` is for people: it asks many lists at once about
all that belongs to a name.
"""
