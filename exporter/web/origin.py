"""Checks the host and origin of requests, since any page can make a browser send requests.

A page whose own name resolves to our address (DNS rebinding) could read our answers, so we check
the Host header. A page that sends a request to our name cannot read the answer, but the request
takes effect.
"""

import asyncio
import logging
import socket
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from exporter.config.grammar import domain_of, ip_of, is_private, literal_of
from exporter.core.one_line import one_line
from exporter.web.external_url import ALLOWED_HOST, ExternalUrl

log = logging.getLogger(__name__)

MOST_TOLD = 10  # names that are not ours, in the log
_OF_PROMETHEUS = ("X-Prometheus-Scrape-Timeout-Seconds", "X-Prometheus-Refresh-Interval-Seconds")


class OriginCheck:
    """Has our names: those of the external URL, and of the addresses that we listen on."""

    def __init__(
        self,
        external_url: ExternalUrl = ExternalUrl(),  # noqa: B008
        listen: Iterable[str] = (),
    ) -> None:
        outside = urlsplit(external_url.url)
        self._outside = outside.netloc.lower()
        hosts = (*listen, outside.hostname or "", socket.gethostname())
        self._names = {*external_url.allowed_hosts, *filter(None, map(domain_of, hosts))}
        self._told: set[str] = set()

    async def add_own_name(self) -> None:
        """Adds this machine's full name, which may take a DNS query."""
        self._names |= set(filter(None, [domain_of(await asyncio.to_thread(socket.getfqdn))]))

    def misdirected(self, request: web.Request) -> str:
        """Why this request is not meant for us, in one line; empty if it is.

        With TLS, the certificate identifies us, and browsers refuse another name.
        """
        stated = request.headers.get(hdrs.HOST, "")
        # The latter also of a target http://NAME/… (RFC 9112).
        named = (stated, request.host) if stated else ()
        host = next((name for name in named if name and not self.allows(name)), "")
        if not host or request.secure or _is_a_scrape(request):
            return ""
        shown = one_line(host.encode(errors="surrogateescape").decode(errors="replace"), 100)
        cure = f"start mailtrip with {ALLOWED_HOST} {domain_of(_name(host)) or 'NAME'}"
        problem = f"{shown!r} is not a name of this mailtrip; if it should be, {cure}"
        if shown not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(shown)
            log.warning("a request was refused: %s", problem)
        return problem

    def allows(self, host: str) -> bool:
        """Whether a Host header is ours. An attacker does not control an address, a single word or
        a private name."""
        if "*" in self._names:
            return True
        plain = _name(host)
        if (
            ip_of(plain)
            or literal_of(plain)
            or literal_of(f"[IPv6:{plain[1:]}" if plain.startswith("[") else "")
        ):
            return True
        name = domain_of(plain)
        if not name:
            return False
        return is_private(name) or any(fnmatchcase(name, pattern) for pattern in self._names)

    def cross_site(self, request: web.Request) -> str:
        """The origin of the foreign page that sent this request, if any; for requests that change
        state or send mail."""
        for site in request.headers.getall("Sec-Fetch-Site", ()):
            if site.lower() not in ("same-origin", "none"):
                return f"a page of another site ({one_line(site, 20)})"
        host = request.headers.get(hdrs.HOST, "").lower()
        for origin in (*request.headers.getall(hdrs.ORIGIN, ()), *_referers(request)):
            if not any(_is_same(origin.lower(), ours) for ours in (host, self._outside)):
                return f"a page of {one_line(origin, 100)}"
        return ""


def _referers(request: web.Request) -> list[str]:
    """The origins from Referer headers, if there is no better evidence.

    Over plain HTTP browsers send Sec-Fetch-Site only to localhost, and no Origin for an image, a
    frame or a link.
    """
    if "Sec-Fetch-Site" in request.headers:
        return []
    return ["/".join(page.split("/", 3)[:3]) for page in request.headers.getall(hdrs.REFERER, ())]


def _name(host: str) -> str:
    """The name without the port."""
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdecimal() or not port) and not name.endswith(":") else host


def _is_same(origin: str, host: str) -> bool:
    scheme, separator, address = origin.partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme)
    return bool(separator and default and host) and address.removesuffix(
        default or ""
    ) == host.removesuffix(default or "")


def _is_a_scrape(request: web.Request) -> bool:
    """Whether this is a scrape by Prometheus, whatever its Host header.

    No browser can look like one: it always sends the accepted languages and compressions, scripts
    cannot change the latter (Fetch standard, forbidden request-headers), and it is more than gzip
    alone.
    """
    headers = request.headers
    browser = {
        hdrs.ACCEPT_LANGUAGE,
        hdrs.ORIGIN,
        hdrs.REFERER,
        hdrs.COOKIE,
        "Sec-Fetch-Site",
        "Sec-Fetch-Mode",
    }
    if any(name in headers for name in browser) or headers.getall(hdrs.ACCEPT_ENCODING, ()) != [
        "gzip"
    ]:
        return False
    return any(name in headers for name in _OF_PROMETHEUS)
