"""How each kind of sender is proven. A new kind gets a bench, and a line here; the contract then holds for it too."""

from tests.senders.bench import Kind
from tests.senders.sendmail_bench import SENDMAIL
from tests.senders.smtp_bench import MX, SMTP

BENCHES: dict[str, Kind] = {"smtp": SMTP, "mx": MX, "sendmail": SENDMAIL}
