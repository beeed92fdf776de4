"""Mailboxes that receive messages: their kinds, and the session that all trips to a mailbox
share."""

from typing import Annotated

from exporter.config.choice import Choice, Kind
from exporter.mailboxes.kind import MailboxKind


class MailboxOptions(Choice):
    """A mailbox that receives messages: one of these."""

    imap: Annotated[MailboxKind | None, Kind("exporter.mailboxes.imap.options:ImapOptions")] = None
    """A mailbox on an IMAP server."""

    jmap: Annotated[MailboxKind | None, Kind("exporter.mailboxes.jmap.options:JmapOptions")] = None
    """A mailbox on a JMAP server, such as Fastmail, Cyrus, Stalwart or Apache James."""

    maildir: Annotated[
        MailboxKind | None, Kind("exporter.mailboxes.maildir.options:MaildirOptions")
    ] = None
    """A Maildir on this machine."""

    pop3: Annotated[MailboxKind | None, Kind("exporter.mailboxes.pop3.options:Pop3Options")] = None
    """A mailbox on a POP3 server."""

    graph: Annotated[
        MailboxKind | None, Kind("exporter.mailboxes.graph.options:GraphMailboxOptions")
    ] = None
    """A mailbox in Exchange Online, by Microsoft Graph."""

    smtpd: Annotated[MailboxKind | None, Kind("exporter.mailboxes.smtpd_options:SmtpdOptions")] = (
        None
    )
    """The exporter's built-in SMTP receiver, for mailboxes that forward to it."""

    @property
    def how(self) -> MailboxKind:
        """The options of the kind that was chosen."""
        kind: MailboxKind = self.chosen[1]
        return kind
