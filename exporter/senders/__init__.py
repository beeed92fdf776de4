"""The kinds of sender. Each is one file, with its options and its sender class."""

from typing import Annotated

from exporter.config.choice import Choice, Kind
from exporter.senders.kind import SenderKind


class SendOptions(Choice):
    """How the message is sent: one of these."""

    smtp: Annotated[SenderKind | None, Kind("exporter.senders.smtp:SmtpOptions")] = None
    """To a given SMTP server, with or without a login."""

    mx: Annotated[SenderKind | None, Kind("exporter.senders.mx_options:MxOptions")] = None
    """To the exchangers of the recipient's domain, found through MX records, as a mail server
    does."""

    lmtp: Annotated[SenderKind | None, Kind("exporter.senders.lmtp:LmtpOptions")] = None
    """To the delivery agent of a mail server, which stores the message in the mailbox itself."""

    sendmail: Annotated[
        SenderKind | None, Kind("exporter.senders.sendmail_options:SendmailOptions")
    ] = None
    """Through the sendmail program of this machine, which queues it."""

    graph: Annotated[SenderKind | None, Kind("exporter.senders.graph_options:GraphSendOptions")] = (
        None
    )
    """From a mailbox in Exchange Online, by Microsoft Graph."""

    jmap: Annotated[SenderKind | None, Kind("exporter.senders.jmap_options:JmapSendOptions")] = None
    """Through a JMAP server, such as Fastmail, Cyrus, Stalwart or Apache James."""

    @property
    def how(self) -> SenderKind:
        """The options of the kind that was chosen."""
        kind: SenderKind = self.chosen[1]
        return kind
