"""The meaning of refusals of an SMTP or LMTP server. Pure."""

import re
from typing import Literal

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.wrong_port import wrong_port_hint

Protocol = Literal["SMTP", "LMTP"]
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")  # RFC 3463
_OF_QMAIL = re.compile(r"\(#([245])\.(\d{1,3})\.(\d{1,3})\)")  # the same, at the end
# 552 alone is that of a full mailbox, but RFC 5321 section 4.5.3.1.9 has it for what is too long.
_TOO_LARGE = re.compile(r"too (?:much|large|big|long)\b|\bsize\b", re.IGNORECASE)
_FULL = re.compile(r"mail ?box|quota|storage|\bfull\b", re.IGNORECASE)
# RFC 4954; 430 is what Cyrus's LMTP says.
_NEEDS_LOGIN = frozenset({430, 530, 534, 535})
# "Encryption needed" and "encryption required for the requested authentication mechanism": the
# codes of RFC 5248 section 2.4 and RFC 4954 section 6, and the enhanced codes of both.
_NEEDS_ENCRYPTION = frozenset({523, 538})
_ENCRYPTION = frozenset({("7", "10"), ("7", "11")})
# These codes have other meanings too: 530 is for missing TLS (RFC 3207 section 4) and for a missing
# login (RFC 4954 section 6), and 451 is what Exchange says instead.
_WANTS_TLS = {
    451: re.compile(r"\bSTARTTLS\b", re.IGNORECASE),
    # hMailServer, E-MailRelay and others do not name the command.
    530: re.compile(
        r"\bSTARTTLS\b|\b(?:TLS|SSL|encryption)(?:[ -]connection)?(?: is)? (?:required|needed)\b"
        r"|\bmust use (?:TLS|SSL)\b",
        re.IGNORECASE,
    ),
}
# To HELO, a command that each SMTP server knows, without a login; or to LHLO.
_NO_SMTP = frozenset({500, 502, 530, 534, 535})


def reason_for(step: Step, code: int, text: str) -> Reason:
    """The reason of a refusal, from its codes (RFC 5321 section 4.2, RFC 3463, RFC 4954,
    RFC 5248); only of 451, 530 and 552 also from its words."""
    enhanced = _ENHANCED.match(text) or _OF_QMAIL.search(text)
    subject_detail = (enhanced[2], enhanced[3]) if enhanced else None
    if not 400 <= code < 600:
        return Reason.PROTOCOL
    needs_tls = code in _NEEDS_ENCRYPTION or subject_detail in _ENCRYPTION
    if step is Step.TLS or needs_tls or _wants_tls(code, text):
        return Reason.TLS
    if step is Step.EHLO and code in _NO_SMTP:
        return Reason.PROTOCOL
    if code == 421 or (code < 500 and step in (Step.GREETING, Step.EHLO, Step.AUTH)):
        return Reason.UNAVAILABLE
    if step is Step.AUTH or code in _NEEDS_LOGIN:
        return Reason.AUTH
    full = code == 552 and step is not Step.MAIL and not enhanced and not _is_too_large(text)
    if full or subject_detail == ("2", "2"):
        return Reason.MAILBOX_FULL
    return Reason.DEFERRED if code < 500 else Reason.REJECTED


def _wants_tls(code: int, text: str) -> bool:
    words = _WANTS_TLS.get(code)
    return words is not None and bool(words.search(text))


def _is_too_large(text: str) -> bool:
    return bool(_TOO_LARGE.search(text)) and not _FULL.search(text)


def not_this_protocol(protocol: Protocol, code: int, first: bytes) -> str:
    """A hint for a reply to EHLO, HELO or LHLO of a server that speaks another protocol: FTP
    servers require a login first, others do not know the command.

    `first` is the server's greeting.
    """
    if code not in _NO_SMTP:
        return ""
    if protocol == "LMTP":
        return f" ({code} in response to LHLO: not an LMTP server? For an SMTP server use `smtp`)"
    words = wrong_port_hint(first, protocol)
    return (
        f" ({code} in response to EHLO/HELO: not an SMTP"
        f" server?{f' Perhaps {words}' if words else ''})"
    )
