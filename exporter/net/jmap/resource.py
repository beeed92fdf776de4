"""The session resource of a JMAP server (RFC 8620 section 2): its URLs, our account, its limits.
Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from exporter.config.jmap import HTTPS
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
_WORDS = {MAIL: "mail", SUBMISSION: "submission"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows (RFC 8620 section 2); where it says nothing, what the RFC suggests."""

    max_size_upload: int = 50_000_000  # bytes
    max_calls_in_request: int = 16
    max_objects_in_get: int = 500
    max_objects_in_set: int = 500


@dataclass(frozen=True, slots=True)
class Resource:
    """What a client needs of it. The URLs are templates (RFC 6570)."""

    state: str
    api_url: str
    upload_url: str
    download_url: str
    event_source_url: str  # empty if there is none
    account: str  # the primary one for what was asked
    limits: Limits

    def upload(self) -> str:
        return _expanded(self.upload_url, {"accountId": self.account})

    def download(self, blob: str) -> str:
        values = {
            "accountId": self.account,
            "blobId": blob,
            "type": "message/rfc822",
            "name": "message.eml",
        }
        return _expanded(self.download_url, values)

    def events(self, types: str, ping: int) -> str:
        values = {"types": types, "closeafter": "no", "ping": str(ping)}
        return _expanded(self.event_source_url, values)


def read_resource(found: Any, origin: str, hosts: Collection[str], wanted: str) -> Resource:
    """Reads the decoded resource that came from the URL `origin`. `wanted` is the capability that
    the account must have. Raises ProbeError; also if a URL leads to a host that is neither that of
    `origin` nor one of `hosts`."""
    server = urlsplit(origin).hostname or ""
    if not isinstance(found, dict) or not isinstance(found.get("capabilities"), dict):
        raise ProbeError(Reason.PROTOCOL, f"{server} sent no session resource of JMAP")
    account = _account(found, wanted, server)

    def url(name: str) -> str:
        text = found.get(name)
        if not isinstance(text, str) or not text or len(text) > 2000:
            raise ProbeError(Reason.PROTOCOL, f"the session resource of {server} has no {name}")
        return resolved(origin, text, hosts, name)

    return Resource(
        state=str(found.get("state", ""))[:1000],
        api_url=url("apiUrl"),
        upload_url=url("uploadUrl"),
        download_url=url("downloadUrl"),
        event_source_url=url("eventSourceUrl") if found.get("eventSourceUrl") else "",
        account=account,
        limits=_limits(found["capabilities"].get(CORE)),
    )


def resolved(origin: str, url: str, hosts: Collection[str], name: str) -> str:
    """The absolute URL. Raises ProbeError if our credentials must not be sent there."""
    server = urlsplit(origin)
    try:
        absolute = urljoin(origin, url)
        absolute.encode()  # JSON may have half a pair of surrogates
        target = urlsplit(absolute)
        host, port = (target.hostname or "").lower(), target.port or HTTPS
    except ValueError:
        raise ProbeError(
            Reason.PROTOCOL, f"{name} of {server.hostname} is no URL: {one_line(url, 80)}"
        ) from None
    if target.scheme != "https" or target.username is not None:
        raise ProbeError(
            Reason.PROTOCOL, f"{name} of {server.hostname} is no https URL: {one_line(url, 80)}"
        )
    same = (host, port) == ((server.hostname or "").lower(), server.port or HTTPS)
    if not same and host not in {one.lower() for one in hosts}:
        other = one_line(target.netloc, 120)
        raise ProbeError(
            Reason.PROTOCOL,
            f"{name} of {server.hostname} is on {other}: no credentials are sent there, unless it"
            " is one of `hosts`",
        )
    return absolute


def _account(found: dict[str, Any], wanted: str, server: str) -> str:
    primary, accounts = found.get("primaryAccounts"), found.get("accounts")
    account = primary.get(wanted) if isinstance(primary, dict) else None
    if not isinstance(account, str) or not account or len(account) > 255:
        raise ProbeError(
            Reason.REJECTED, f"{server} has no account for {_WORDS[wanted]} ({wanted})"
        )
    of_account = accounts.get(account) if isinstance(accounts, dict) else None
    offers = of_account.get("accountCapabilities") if isinstance(of_account, dict) else None
    if not isinstance(offers, dict) or wanted not in offers:
        # Cyrus omits submission while it cannot reach its mail server.
        raise ProbeError(
            Reason.UNAVAILABLE,
            f"{server} offers no {_WORDS[wanted]} for the account now ({wanted})",
        )
    return account


def _limits(core: Any) -> Limits:
    def number(name: str, default: int) -> int:
        value = core.get(name) if isinstance(core, dict) else None
        return value if isinstance(value, int) and value >= 1 else default

    standard = Limits()
    return Limits(
        number("maxSizeUpload", standard.max_size_upload),
        number("maxCallsInRequest", standard.max_calls_in_request),
        number("maxObjectsInGet", standard.max_objects_in_get),
        number("maxObjectsInSet", standard.max_objects_in_set),
    )


def _expanded(template: str, values: dict[str, str]) -> str:
    """Level 1 of RFC 6570, which RFC 8620 requires. Half a pair of surrogates, which JSON may have,
    is no text: the server gets a question mark."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
    return template
