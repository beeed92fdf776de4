"""The first table of docs/faults.md: what can break, by the part that breaks."""

from collections.abc import Mapping, Sequence

from tests.atlas.delivery_agent import DELIVERY_AGENT
from tests.atlas.dns_and_network import DNS, NETWORK
from tests.atlas.filters import FILTERS
from tests.atlas.graph import GRAPH
from tests.atlas.heartbeats import HEARTBEATS
from tests.atlas.jmap import JMAP
from tests.atlas.local import LOCAL
from tests.atlas.mailbox import IMAP, POP3_FAULTS
from tests.atlas.smtp import SMTP
from tests.atlas.table import Fault
from tests.atlas.tls import TLS
from tests.atlas.transit import TRANSIT

FAULTS: Mapping[str, Sequence[Fault]] = {
    "Names": DNS,
    "The network": NETWORK,
    "TLS": TLS,
    "What SMTP servers answer": SMTP,
    "A delivery agent (LMTP)": DELIVERY_AGENT,
    "On the way": TRANSIT,
    "Filters": FILTERS,
    "Heartbeats": HEARTBEATS,
    "An IMAP mailbox": IMAP,
    "A POP3 mailbox": POP3_FAULTS,
    "Microsoft Graph": GRAPH,
    "JMAP": JMAP,
    "This machine": LOCAL,
}
