"""Blocklists (RFC 5782): queries about an address or a domain, and whether a list is usable.

`AddressLists` and `DomainLists` are the options; `BlockListOptions.blocklist` makes a `Blocklist`
of an entry; `Blocklists.look_up` queries it about a `Subject` and answers with an
`exporter.core.model.Listing`, always. `Lookups` is for people: it asks many lists at once about
all that belongs to a name.
"""

from exporter.blocklists.blocklist import Blocklist, Kind
from exporter.blocklists.blocklists import Blocklists, unknown
from exporter.blocklists.free_lists import free_lists
from exporter.blocklists.list_status import Query, QueryFailure, Statistics
from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.blocklists.lookups import Lookups
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.options import AddressLists, BlockListOptions, DomainLists
from exporter.blocklists.past import Past, PastAnswer, Period, past
from exporter.blocklists.since import with_since

__all__ = [
    "AddressLists",
    "BlockListOptions",
    "Blocklist",
    "Blocklists",
    "DomainLists",
    "Kind",
    "Lookup",
    "Lookups",
    "Past",
    "PastAnswer",
    "Period",
    "Query",
    "QueryFailure",
    "Statistics",
    "Subject",
    "SubjectAnswers",
    "SubjectKind",
    "free_lists",
    "past",
    "unknown",
    "with_since",
]
