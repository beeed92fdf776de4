"""How each kind of sender is proven. A new kind gets a rig, and a line here; the contract then
holds for it too."""

from tests.support.graph_rigs import GRAPH
from tests.support.jmap_sender_rig import JMAP
from tests.support.sender_rig import Kind
from tests.support.sendmail_rig import SENDMAIL
from tests.support.smtp_rig import LMTP, MX, SMTP

RIGS: dict[str, Kind] = {
    "smtp": SMTP,
    "mx": MX,
    "lmtp": LMTP,
    "sendmail": SENDMAIL,
    "graph": GRAPH,
    "jmap": JMAP,
}
