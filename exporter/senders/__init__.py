"""The kinds of sender. Each is one file, with its options and its sender class."""

from exporter.config.choice import Choice
from exporter.senders.graph import GraphSendOptions
from exporter.senders.jmap import JmapSendOptions
from exporter.senders.kind import SenderKind
from exporter.senders.lmtp import LmtpOptions
from exporter.senders.mx import MxOptions
from exporter.senders.sendmail import SendmailOptions
from exporter.senders.smtp import SmtpOptions


class SendOptions(Choice):
    """How the message is sent: one of these."""

    smtp: SmtpOptions | None = None
    """To a given SMTP server, with or without a login."""

    mx: MxOptions | None = None
    """To the exchangers of the recipient's domain, found through MX records, as a mail server
    does."""

    lmtp: LmtpOptions | None = None
    """To the delivery agent of a mail server, which stores the message in the mailbox itself."""

    sendmail: SendmailOptions | None = None
    """Through the sendmail program of this machine, which queues it."""

    graph: GraphSendOptions | None = None
    """From a mailbox in Exchange Online, by Microsoft Graph."""

    jmap: JmapSendOptions | None = None
    """Through a JMAP server, such as Fastmail, Cyrus, Stalwart or Apache James."""

    @property
    def how(self) -> SenderKind:
        """The options of the kind that was chosen."""
        kind: SenderKind = self.chosen[1]
        return kind
