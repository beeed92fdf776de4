"""Mailboxes that receive messages: their kinds, and the session that all trips to a mailbox
share."""

from exporter.config.choice import Choice
from exporter.mailboxes.graph.mailbox import GraphMailboxOptions
from exporter.mailboxes.imap.mailbox import ImapOptions
from exporter.mailboxes.jmap.mailbox import JmapOptions
from exporter.mailboxes.kind import MailboxKind
from exporter.mailboxes.maildir.mailbox import MaildirOptions
from exporter.mailboxes.pop3.mailbox import Pop3Options
from exporter.mailboxes.smtpd import SmtpdOptions


class MailboxOptions(Choice):
    """A mailbox that receives messages: one of these."""

    imap: ImapOptions | None = None
    """A mailbox on an IMAP server."""

    jmap: JmapOptions | None = None
    """A mailbox on a JMAP server, such as Fastmail, Cyrus, Stalwart or Apache James."""

    maildir: MaildirOptions | None = None
    """A Maildir on this machine."""

    pop3: Pop3Options | None = None
    """A mailbox on a POP3 server."""

    graph: GraphMailboxOptions | None = None
    """A mailbox in Exchange Online, by Microsoft Graph."""

    smtpd: SmtpdOptions | None = None
    """The exporter's built-in SMTP receiver, for mailboxes that forward to it."""

    @property
    def how(self) -> MailboxKind:
        """The options of the kind that was chosen."""
        kind: MailboxKind = self.chosen[1]
        return kind
