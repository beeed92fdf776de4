"""The errors of JMAP: of HTTP, of a method (RFC 8620 section 3.6), of one object (section 5.3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.net.http.retry_after import retry_after

DEFAULT_PAUSE = 30.0  # seconds, if a server that is busy does not say for how long
LONGEST_PAUSE = 3600.0  # seconds

_BUSY = frozenset({429, 502, 503, 504})
_OF_METHODS = {
    "serverUnavailable": Reason.UNAVAILABLE,
    "serverFail": Reason.UNAVAILABLE,
    "serverPartialFail": Reason.UNAVAILABLE,
    "unknownMethod": Reason.PROTOCOL,
    "invalidArguments": Reason.PROTOCOL,
    "invalidResultReference": Reason.PROTOCOL,
    "requestTooLarge": Reason.PROTOCOL,
    "stateMismatch": Reason.PROTOCOL,
    "cannotCalculateChanges": Reason.PROTOCOL,
    "anchorNotFound": Reason.PROTOCOL,
    "unsupportedSort": Reason.PROTOCOL,
    "unsupportedFilter": Reason.PROTOCOL,
    "forbidden": Reason.REJECTED,
    "accountNotFound": Reason.REJECTED,
    "accountNotSupportedByMethod": Reason.REJECTED,
    "accountReadOnly": Reason.REJECTED,
}
_OF_OBJECTS = {"overQuota": Reason.MAILBOX_FULL, "rateLimit": Reason.DEFERRED}
_REFUSALS = frozenset(
    {  # RFC 8620 section 5.3; RFC 8621 sections 4.6, 4.8 and 7.5
        *("forbidden", "tooLarge", "notFound", "invalidProperties", "alreadyExists"),
        *("invalidEmail", "blobNotFound", "tooManyKeywords", "tooManyMailboxes"),
        *("tooManyRecipients", "noRecipients", "invalidRecipients"),
        *("forbiddenMailFrom", "forbiddenFrom", "forbiddenToSend"),
    }
)
_KINDS = {*_OF_OBJECTS, *_REFUSALS, *_OF_METHODS}
_TRANSIENT = re.compile(r"\A(?:[Ss][Mm][Tt][Pp][: ]*)?4(?:\d\d|\.\d{1,3}\.\d{1,3})\b")
"""How the reply of the mail server behind it begins, if it may be repeated: Cyrus gives the
enhanced code (RFC 3463), others the reply."""


class Throttled(ProbeError):
    """The server wants no more requests for so many `seconds`."""

    def __init__(self, detail: str, code: str, seconds: float) -> None:
        super().__init__(Reason.UNAVAILABLE, detail, code=code)
        self.seconds = seconds


@dataclass(slots=True)
class Pause:
    """How long a server wants no requests. Times are monotonic."""

    until: float = 0.0
    code: str = ""
    why: str = ""

    def impose(self, error: Throttled, now: float) -> None:
        self.until, self.code, self.why = now + error.seconds, error.code, error.detail

    def check(self, host: str, now: float) -> None:
        """Raises ProbeError as long as it lasts."""
        if (left := self.until - now) > 0:
            detail = f"{host} wants no requests for another {left:.0f} s (Retry-After)"
            raise ProbeError(Reason.UNAVAILABLE, detail, code=self.code)


class MethodFailed(ProbeError):
    """The error of a method, of this `kind`."""

    def __init__(self, reason: Reason, detail: str, kind: str) -> None:
        super().__init__(reason, detail, code=kind if kind in _OF_METHODS else "")
        self.kind = kind


class TooMuch(ProbeError):
    """The answer is larger than we read."""


def of_status(
    host: str, what: str, status: int, headers: Mapping[str, str], found: Any, now: float
) -> ProbeError:
    """The error for an answer whose status is not 200. `found` is its decoded body, if that is
    JSON (RFC 7807); `now` is in seconds since the epoch."""
    title, detail = (
        (found.get("title"), found.get("detail")) if isinstance(found, dict) else (None, None)
    )
    words = one_line(str(detail or title or ""), 200)
    said = f"{host} answered {status} to {what}{f': {words}' if words else ''}"
    code = str(status)
    if status in _BUSY and (status == 429 or "Retry-After" in headers):
        wanted = retry_after(headers.get("Retry-After", ""), now)
        seconds = DEFAULT_PAUSE if wanted is None else min(wanted, LONGEST_PAUSE)
        return Throttled(f"{said}; it wants a pause of {seconds:.0f} s", code, seconds)
    if status == 401:
        return ProbeError(
            Reason.AUTH, f"{host} refused the login{f': {words}' if words else ''}", code=code
        )
    if status >= 500:
        return ProbeError(Reason.UNAVAILABLE, said, code=code)
    refused = status in (403, 413)
    return ProbeError(Reason.REJECTED if refused else Reason.PROTOCOL, said, code=code)


def of_method(host: str, method: str, found: Mapping[str, Any]) -> MethodFailed:
    """The error that a server returned instead of the answer to a method."""
    kind, words = _kind_and_words(found)
    detail = f"{host} answered {method} with {kind}{f': {words}' if words else ''}"
    return MethodFailed(_OF_METHODS.get(kind, Reason.PROTOCOL), detail, kind)


def of_object(host: str, what: str, found: Any) -> ProbeError:
    """The error for one object that was not created or destroyed."""
    kind, words = _kind_and_words(found if isinstance(found, dict) else {})
    # Some servers say of one object what the RFC says of a method, such as serverFail.
    reason = _OF_OBJECTS.get(kind) or _OF_METHODS.get(kind, Reason.REJECTED)
    if reason is Reason.REJECTED and _TRANSIENT.match(words):
        reason = Reason.DEFERRED
    detail = f"{host} {what}: {kind}{f': {words}' if words else ''}"
    return ProbeError(reason, detail, code=kind if kind in _KINDS else "")


def is_missing(found: Any) -> bool:
    """Whether the object was there no more."""
    return isinstance(found, dict) and found.get("type") == "notFound"


def _kind_and_words(found: Mapping[str, Any]) -> tuple[str, str]:
    kind = one_line(str(found.get("type") or "an error without a type"), 80)
    return kind, one_line(str(found.get("description") or ""), 200)
