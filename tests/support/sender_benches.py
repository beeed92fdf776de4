"""How each kind of sender is proven. A new kind gets a bench, and a line here; the contract then
holds for it too."""

from tests.support.sender_bench import Kind
from tests.support.sendmail_bench import SENDMAIL
from tests.support.smtp_bench import MX, SMTP

BENCHES: dict[str, Kind] = {"smtp": SMTP, "mx": MX, "sendmail": SENDMAIL}
