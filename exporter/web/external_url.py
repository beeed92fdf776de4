"""The URL by which clients reach us, and the prefix of all our paths."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from exporter.config.grammar import domain_of

EXTERNAL_URL = "--web.external-url"
ALLOWED_HOST = "--web.allowed-host"
MOST_DEEP = 20  # folders of a path for which links lead upwards one by one
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, slots=True)
class ExternalUrl:
    """`url` has no final slash, and may be empty; `prefix` is empty or, for example, /mailtrip.

    `allowed_hosts` are our other names, in lower case: a name, `*.` and a name, or `*` for every
    name.
    """

    url: str = ""
    prefix: str = ""
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def from_flags(
        cls, external_url: str | None, route_prefix: str | None, allowed_hosts: Iterable[str] = ()
    ) -> "ExternalUrl":
        """Parses the flags as Prometheus does. Raises ValueError with a line for administrators."""
        url = base_url(EXTERNAL_URL, external_url or "", "https://mail.example.org/mailtrip")
        prefix = (
            urlsplit(url).path if route_prefix is None else f"/{route_prefix.strip('/')}"
        ).rstrip("/")
        if not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
            raise ValueError(
                f"--web.route-prefix: {prefix!r} is not a path; write one such as /mailtrip"
            )
        return cls(url, prefix, tuple(map(_name, allowed_hosts)))

    def probe_location(self, scheme: str, host: str) -> tuple[str, str, str]:
        """Scheme, address and path of `/probe` for a client that reached us by this scheme and
        `Host`.

        A client that used the external URL, probably through a proxy, gets the external URL.
        """
        outside = urlsplit(self.url)
        if outside.netloc.lower() == host.lower():
            return outside.scheme, host, f"{outside.path}/probe"
        return scheme, host, f"{self.prefix}/probe"

    def root_from(self, path: str) -> str:
        """The start page, relative to a path as a client wrote it, since a proxy may have cut off a
        prefix that we do not know."""
        inside = f"{path}/".startswith(f"{self.prefix}/")
        deep = path.count("/") - 1 - (self.prefix.count("/") if inside else 0)
        if not 0 <= deep <= MOST_DEEP:
            return f"{self.prefix}/"
        return "../" * deep + ("" if inside else f"{self.prefix[1:]}/")


def _name(text: str) -> str:
    start = "*." if text.startswith("*.") else ""
    name = text if text == "*" else domain_of(text.removeprefix(start))
    if not name:
        example = "write one such as mail.example.org, *.example.org, or * for every name"
        raise ValueError(f"{ALLOWED_HOST}: {text!r} is not a host name; {example}")
    return f"{start}{name}"


def base_url(flag: str, text: str, example: str) -> str:
    """The URL that a flag gives, without a final slash. Raises ValueError with a line for
    administrators."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{flag}: not a URL such as {example}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{flag}: only scheme, host, port and path, such as {example}")
    return text.rstrip("/")
