"""What Graph refuses, and why: a status of HTTP, and a code and a text in the body (Microsoft
Graph, error responses)."""

from typing import Any

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.net.http.json_body import decoded

GONE = "ErrorItemNotFound"  # the message is not there
NO_STATE = "syncstatenotfound"  # the delta token is too old, in small letters
_CODES = {
    "ErrorSendAsDenied": Reason.REJECTED,
    "ErrorQuotaExceeded": Reason.MAILBOX_FULL,
    "ErrorExceededMessageLimit": Reason.DEFERRED,
}
_STATUSES = {
    401: Reason.AUTH,
    403: Reason.AUTH,
    429: Reason.DEFERRED,
    507: Reason.MAILBOX_FULL,
}
_OF_SENDING = frozenset({Reason.DEFERRED, Reason.MAILBOX_FULL})
MOST_WORDS = 220  # characters
_CURES = {
    403: "the application needs a permission for this mailbox, and consent to it",
}


def parsed(body: bytes) -> dict[str, Any]:
    """The object in a body; empty if it is none."""
    try:
        found = decoded(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def error_of(body: bytes) -> tuple[str, str]:
    """The code and the text of an error; empty where they are missing."""
    error = parsed(body).get("error")
    if not isinstance(error, dict):
        return "", ""
    return tuple(  # type: ignore[return-value]
        found if isinstance(found := error.get(name), str) else "" for name in ("code", "message")
    )


def refusal(host: str, status: int, body: bytes, *, sending: bool = False) -> ProbeError:
    """The error for an answer that is not what was expected."""
    code, text = error_of(body)
    words = one_line(": ".join(filter(None, (code, text))), MOST_WORDS)
    cure = f" ({_CURES[status]})" if status in _CURES and code not in _CODES else ""
    detail = f"{host} answered {status}{' ' if words else ''}{words}{cure}"
    return ProbeError(_reason(status, code, sending=sending), detail, code=status)


def _reason(status: int, code: str, *, sending: bool) -> Reason:
    reason = _CODES.get(code) or _STATUSES.get(status)
    if reason and (sending or reason not in _OF_SENDING):
        return reason
    if reason or status >= 500:
        return Reason.UNAVAILABLE
    return Reason.REJECTED if 400 <= status < 500 else Reason.PROTOCOL
