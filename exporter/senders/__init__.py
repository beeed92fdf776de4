"""How a message leaves. A sender is one file with its options and one `send`."""

from collections.abc import Callable
from typing import Any, Protocol

from exporter.config.choice import Choice
from exporter.core.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts
from exporter.senders.mx import MxOptions, MxSender
from exporter.senders.sendmail import SendmailOptions, SendmailSender
from exporter.senders.smtp import SmtpOptions, SmtpSender


class Sender(Protocol):
    """Sends to one target."""

    gap: float
    """Seconds between two messages to the same destination, at least."""

    def destination(self, message: ProbeMessage) -> str:
        """Who must not be flooded: a server, a domain."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        """Returns when someone else is responsible for the message; `run.accept()` marks that
        moment.

        Raises ProbeError. Cancelling drops the connection.
        """

    async def knock(self, message: ProbeMessage, run: Run) -> None:
        """All that `send` does up to the envelope, of which the server learns nothing. Raises
        ProbeError."""


class SendOptions(Choice):
    """How the message leaves: one of these."""

    smtp: SmtpOptions | None = None
    """To an SMTP server given by name, with or without a login."""

    mx: MxOptions | None = None
    """To the exchangers of the recipient's domain, found through MX records, as a mail server
    does."""

    sendmail: SendmailOptions | None = None
    """Through the sendmail program of this machine, whose queue takes it from there."""


SENDERS: dict[str, Callable[[Any, Resolver, str, Accounts | None], Sender]] = {
    "smtp": SmtpSender,
    "mx": MxSender,
    "sendmail": SendmailSender,
}
"""By key in `send:`. Called with the options, a resolver, the target, and who has tokens."""
