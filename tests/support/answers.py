"""What servers and programs send back about a message of ours, instead of the message."""

import re
from email.utils import formatdate


def header(raw: bytes, name: str) -> str:
    """A header of a message."""
    found = re.search(rf"(?mi)^{name}: (.*?)\r?$", raw.decode("latin-1"))
    assert found
    return found[1]


def vacation(raw: bytes, at: float, subject: str = "Away") -> bytes:
    """An automatic answer (RFC 3834), as Sieve's vacation writes it (RFC 5230)."""
    name = header(raw, "Message-ID")
    return _message(
        raw,
        at,
        subject,
        f"In-Reply-To: {name}",
        f"References: {name}",
        "Auto-Submitted: auto-replied",
    )


def silent_vacation(raw: bytes, at: float) -> bytes:
    """An automatic answer that names nothing of the message, except its sender."""
    return _message(raw, at, "Out of office", "Auto-Submitted: auto-replied")


def _message(raw: bytes, at: float, subject: str, *more: str) -> bytes:
    lines = (
        "Return-Path: <>",
        f"Date: {formatdate(at)}",
        "From: Away <away@lab.test>",
        f"To: {header(raw, 'From')}",
        f"Subject: {subject}",
        *more,
        "",
        "I am away from my desk.",
        "",
    )
    return "\r\n".join(lines).encode()


def report(raw: bytes, at: float, action: str = "delivered", *, original: bool = True) -> bytes:
    """A delivery status notification (RFC 3464), as Postfix writes it."""
    head = raw.partition(b"\r\n\r\n")[0].decode()
    returned = f"Content-Type: text/rfc822-headers\r\n\r\n{head}\r\n" if original else "\r\n"
    status = "5.1.1" if action == "failed" else "2.0.0"
    return f"""\
Return-Path: <>\r
Date: {formatdate(at)}\r
From: MAILER-DAEMON@mx1.lab.test (Mail Delivery System)\r
To: {header(raw, "From").strip("<>")}\r
Subject: Successful Mail Delivery Report\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=us-ascii\r
\r
This is the mail system at host mx1.lab.test.\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx1.lab.test\r
\r
Final-Recipient: rfc822; someone@example.org\r
Action: {action}\r
Status: {status}\r
Remote-MTA: dns; imap.lab.test\r
Diagnostic-Code: smtp; 250 2.0.0 taken\r
\r
--b\r
{returned}\r
--b--\r
""".encode()
