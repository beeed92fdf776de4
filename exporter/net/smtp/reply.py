"""The meaning of refusals of an SMTP or LMTP server. Pure."""

import re
from typing import Literal

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.wrong_port import wrong_port_hint

Protocol = Literal["SMTP", "LMTP"]
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")  # RFC 3463
# RFC 4954; 430 is what Cyrus's LMTP says.
_NEEDS_LOGIN = frozenset({430, 530, 534, 535, 538})
# To HELO, a command that each SMTP server knows, without a login; or to LHLO.
_NO_SMTP = frozenset({500, 502, 530, 534, 535, 538})


def reason_for(step: Step, code: int, text: str) -> Reason:
    """The reason of a refusal, only from its codes (RFC 5321 section 4.2, RFC 3463, RFC 4954)."""
    enhanced = _ENHANCED.match(text)
    subject_detail = (enhanced[2], enhanced[3]) if enhanced else None
    if not 400 <= code < 600:
        return Reason.PROTOCOL
    if step is Step.TLS:
        return Reason.TLS
    if step is Step.EHLO and code in _NO_SMTP:
        return Reason.PROTOCOL
    if code == 421 or (code < 500 and step in (Step.GREETING, Step.EHLO, Step.AUTH)):
        return Reason.UNAVAILABLE
    if step is Step.AUTH or code in _NEEDS_LOGIN:
        return Reason.AUTH
    if subject_detail == ("2", "2") or (code == 552 and not enhanced and step is not Step.MAIL):
        return Reason.MAILBOX_FULL
    return Reason.DEFERRED if code < 500 else Reason.REJECTED


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
