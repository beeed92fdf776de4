"""Delivery status notifications (RFC 3464): what a mail server says when it could not deliver. Pure, never raising."""

import re
from dataclasses import dataclass
from email.message import Message

from exporter.model import one_line

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9])")  # RFC 3463 section 2
MAX_BLOCKS = 20  # of a notification; one for each recipient

_UNPROVEN = "neither SPF, which forwarding breaks, nor DKIM proves the sender: let the mail of `from` be signed"
_HINTS = {  # codes of one provider each, whose texts do not tell what to do
    "5.7.520": "Microsoft 365 forwards nothing to other organisations until its outbound spam policy allows it",
    "5.7.509": _UNPROVEN,  # Exchange Online, of DMARC
    "5.7.26": _UNPROVEN,  # Gmail
}


@dataclass(frozen=True, slots=True)
class Bounce:
    """The part of a notification that speaks of our message."""

    action: str  # failed, delayed, delivered, relayed or expanded
    status: str  # enhanced code (RFC 3463), such as 5.1.1
    reporter: str  # the server that gave up
    diagnostic: str

    @property
    def final(self) -> bool:
        """False for a notice that delivery is only delayed."""
        return self.action == "failed"

    @property
    def hint(self) -> str:
        """What an administrator should know of this code, or nothing."""
        return _HINTS.get(self.status, "")


def bounce_in(message: Message) -> Bounce | None:
    """The notification that a message is, or None."""
    if message.get_content_type() != "multipart/report":
        return None
    for part in message.walk():
        blocks = part.get_payload()
        if part.get_content_type() == "message/delivery-status" and isinstance(blocks, list):
            return _bounce([block for block in blocks[:MAX_BLOCKS] if isinstance(block, Message)])
    return None


def _bounce(blocks: list[Message]) -> Bounce | None:
    """The first block is about the message, the others are about one recipient each; a failed one is told first."""
    recipients = [block for block in blocks if block.get("Action")]
    if not recipients:
        return None
    told = next((block for block in recipients if _field(block, "Action").lower() == "failed"), recipients[0])
    return Bounce(
        action=_field(told, "Action").lower(),
        status=_status(told),
        reporter=_value(_field(blocks[0], "Reporting-MTA")),
        diagnostic=_value(_field(told, "Diagnostic-Code")),
    )


def _status(block: Message) -> str:
    """The code alone: it becomes a label, and everybody can send a notification. A comment may follow it."""
    code = _STATUS.match(_field(block, "Status"))
    return code[0] if code else ""


def _field(block: Message, name: str) -> str:
    return one_line(" ".join(str(block.get(name, "")).split()))


def _value(field: str) -> str:
    """A typed field, `dns; mx.example.org`, without its type."""
    kind, semicolon, value = field.partition(";")
    return (value if semicolon else kind).strip()
