"""Delivery status notifications (RFC 3464), by which mail servers report failures. Pure; never
raises."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.core.one_line import one_line
from exporter.mail.mime import headers_of
from exporter.mail.tokens import without_tokens

MAX_BLOCKS = 20  # of a notification; one for each recipient
_MAX_FIELDS = 50  # of a block
_LONGEST_HOST = 100

CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)", re.ASCII)  # RFC 3463 section 2
REPLY_CODE = re.compile(r"(?:^|(?<=[\s;:'\"(>#]))[45]\d\d(?=[\s,;:.'\")-]|$)", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", re.ASCII)
_ADDRESS = re.compile(r"<?([^\s<>@]{1,64}@[^\s<>@]{1,100})>?")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_FIELDS = re.compile(
    r"^[ \t]*(Action|Final-Recipient|Diagnostic-Code|Status)[ \t]*:", re.IGNORECASE | re.MULTILINE
)

FAILED, DELAYED, DELIVERED = "failed", "delayed", "delivered"
RELAYED, EXPANDED = "relayed", "expanded"
_ACTIONS = {
    FAILED: FAILED,
    "failure": FAILED,
    "fail": FAILED,
    "error": FAILED,
    "expired": FAILED,
    "undeliverable": FAILED,
    DELAYED: DELAYED,
    "delay": DELAYED,
    "deferred": DELAYED,
    "queued": DELAYED,
    DELIVERED: DELIVERED,
    "delivery": DELIVERED,
    "deliverable": DELIVERED,
    RELAYED: RELAYED,
    EXPANDED: EXPANDED,
}
"""Those of RFC 3464, and what some servers write in their place."""
_OF_CLASS = {"5": FAILED, "4": DELAYED, "2": DELIVERED}

_UNPROVEN = (
    "neither SPF (broken by forwarding) nor DKIM passed: sign the mail of `from` with DKIM (option"
    " `dkim`)"
)
_HINTS = {  # codes of one provider each, whose texts do not tell what to do
    "5.7.520": (
        "Microsoft 365 does not forward to other organisations unless its outbound spam policy"
        " allows it"
    ),
    "5.7.509": _UNPROVEN,  # Exchange Online, of DMARC
    "5.7.26": _UNPROVEN,  # Gmail
}


@dataclass(frozen=True, slots=True)
class Bounce:
    """The part of a notification about our message. Texts are clean and cut; missing ones are
    empty."""

    action: str  # failed, delayed, delivered, relayed or expanded
    # Enhanced code (RFC 3463), such as 5.1.1; else the code of an SMTP reply, such as 550.
    status: str
    reporter: str  # the server that wrote the notification
    diagnostic: str
    remote: str = ""  # the server that refused the message
    recipient: str = ""  # whom it did not reach: an address behind an alias or a rule, perhaps

    @property
    def final(self) -> bool:
        """False if delivery is only delayed."""
        return self.action == FAILED

    @property
    def hint(self) -> str:
        """A hint for administrators about this code, or an empty text."""
        return _HINTS.get(self.status, "")


def bounce_in(texts: Iterable[str]) -> Bounce | None:
    """Parses the fields of a notification; `texts` are the parts with such fields, in order."""
    blocks = list(_blocks(texts))
    recipients = [block for block in blocks if block.keys() & {"action", "status"}]
    if not recipients:
        return None
    told = next((block for block in recipients if _action(block) == FAILED), recipients[0])
    diagnostic = typed_value(told.get("diagnostic-code", ""))
    reporter = next((block["reporting-mta"] for block in blocks if "reporting-mta" in block), "")
    return Bounce(
        action=_action(told),
        status=_status(told.get("status", "")),
        reporter=typed_value(reporter),
        diagnostic=diagnostic,
        remote=host(typed_value(told.get("remote-mta", ""))),
        recipient=_address(typed_value(told.get("final-recipient", ""))),
    )


def has_fields(text: str) -> bool:
    """Whether a plain text has the fields of a notification: some gateways convert every part to
    plain text."""
    names = {match[1].lower() for match in _FIELDS.finditer(text)}
    return "final-recipient" in names and len(names) > 1


def _blocks(texts: Iterable[str]) -> Iterator[dict[str, str]]:
    """The blocks of fields, names in lower case; the first is about the message, others about one
    recipient each."""
    found = (block for text in texts for block in _BLANK_LINES.split(text.strip("\n"), MAX_BLOCKS))
    for block, _ in zip(found, range(MAX_BLOCKS), strict=False):
        lines, _ = headers_of(block, _MAX_FIELDS)
        yield {name.lower(): " ".join(value.split()) for name, value in reversed(lines)}


def _action(block: dict[str, str]) -> str:
    """The action of RFC 3464, without a comment; otherwise derived from the class of the status."""
    word = re.match(r"[a-z]*", block.get("action", "").lower())
    status = block.get("status", "").lstrip()[:1]
    return _ACTIONS.get(word[0] if word else "", _OF_CLASS.get(status, ""))


def _status(field: str) -> str:
    """A valid code without a comment: it becomes a label, and anyone can send a notification."""
    told = CODE.match(field.strip())
    return told[0] if told else ""


def code_in(text: str) -> str:
    """The enhanced code in a server's text, otherwise its reply code; empty without either."""
    codes = (code[0] for code in CODE.finditer(text))
    enhanced = next((code for code in codes if code[0] != "2" and not code.endswith(".0.0")), "")
    reply = REPLY_CODE.search(text)
    return enhanced or (reply[0] if reply else "")


def host(text: str) -> str:
    """The name or address of a server at the beginning of a text."""
    name = _HOST.match(text.strip().lstrip("[<("))
    return name[0].rstrip(".:").lower()[:_LONGEST_HOST] if name else ""


def _address(text: str) -> str:
    """An address without its brackets and without tokens; empty if it is none."""
    address = _ADDRESS.fullmatch(text)
    return without_tokens(address[1]) if address else ""


def typed_value(field: str) -> str:
    """A typed field, `dns; mx.example.org`, without its type."""
    kind, semicolon, value = field.partition(";")
    return one_line((value if semicolon and " " not in kind.strip() else field).strip())
