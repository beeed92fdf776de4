"""Blocklists (RFC 5782): queries about an address or a domain, and whether a list is usable.

`AddressLists` and `DomainLists` are the options; `BlockListOptions.blocklist` makes a `Blocklist`
of an entry; `Blocklists.look_up` queries it about a `Subject` and answers with an
`exporter.core.model.Listing`, always.
"""

from exporter.blocklists.blocklist import Blocklist, Kind
from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.list_status import Query, QueryFailure, Statistics
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.options import AddressLists, BlockListOptions, DomainLists

__all__ = [
    "AddressLists",
    "BlockListOptions",
    "Blocklist",
    "Blocklists",
    "DomainLists",
    "Kind",
    "Query",
    "QueryFailure",
    "Statistics",
    "Subject",
    "SubjectKind",
]
