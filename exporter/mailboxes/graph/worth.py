"""Which messages are read, by what a listing says of them: ours, and what may be about ours. Pure.

Others are not downloaded. Where a listing shows no token, the header fields of a new message may
have one: an answer refers to our message only there.
"""

from datetime import datetime

from exporter.mail.tokens import PREFIX
from exporter.net.graph.messages import Listed

_NOTIFIERS = ("mailer-daemon", "postmaster", "microsoftexchange", "mailer", "mdaemon")
_REPORTS = ("multipart/report", "message/rfc822", "x-ms-exchange-message-is-ndr")


def is_worth_reading(listed: Listed, *, new: bool) -> bool:
    """Whether to read it at once. Of new messages also those that may have ours inside."""
    words = f"{listed.subject} {listed.message_id} {listed.preview}".lower()
    sender = listed.sender.lower()
    notice = not sender or sender.startswith(_NOTIFIERS)
    return PREFIX in words or notice or (new and listed.attachments)


def headers_are_worth_reading(headers: str) -> bool:
    """Whether the header fields of a message have a token, or say that it is a report."""
    low = headers.lower()
    return PREFIX in low or any(word in low for word in _REPORTS)


def header_of(listed: Listed) -> bytes:
    """What is known of a message that is not read, as a header."""
    fields = {"From": listed.sender, "Subject": listed.subject, "Message-ID": listed.message_id}
    lines = (f"{name}: {' '.join(value.split())}\r\n" for name, value in fields.items())
    return ("".join(lines) + "\r\n").encode("utf-8", "replace")


def moment_of(received: str) -> float | None:
    """When a message came, such as `2026-11-30T10:00:00Z`, in Unix time."""
    try:
        return datetime.fromisoformat(received).timestamp()
    except (ValueError, OverflowError):
        return None
