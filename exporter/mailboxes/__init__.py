"""Where messages are awaited: the kinds of mailbox, and the one session that all trips to a mailbox
share."""

from collections.abc import Callable
from typing import Any

from exporter.config.choice import Choice
from exporter.mailboxes.imap.mailbox import ImapMailbox, ImapOptions
from exporter.mailboxes.maildir.mailbox import MaildirMailbox, MaildirOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox, Pop3Options
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.smtpd import SmtpdMailbox, SmtpdOptions
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts


class MailboxOptions(Choice):
    """A place where messages are awaited: one of these."""

    imap: ImapOptions | None = None
    """A mailbox on an IMAP server."""

    maildir: MaildirOptions | None = None
    """A Maildir on this machine."""

    pop3: Pop3Options | None = None
    """A mailbox on a POP3 server."""

    smtpd: SmtpdOptions | None = None
    """The exporter's own SMTP receiver, for mailboxes that forward to it."""


MAILBOXES: dict[str, Callable[[Any, Resolver, Accounts | None], Mailbox]] = {
    "imap": ImapMailbox,
    "maildir": MaildirMailbox,
    "pop3": Pop3Mailbox,
    "smtpd": SmtpdMailbox,
}
"""By key below a mailbox's name. Called with the options, a resolver, and who has tokens."""
