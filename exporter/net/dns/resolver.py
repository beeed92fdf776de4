"""DNS lookups of addresses and exchangers, through dnspython. The C library's resolver would queue
probes in a few threads."""

import asyncio
import ipaddress
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from copy import copy
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.inet
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from exporter.config.grammar import host_of, ip_of
from exporter.config.resolver import DEFAULT_TIMEOUT
from exporter.core.model import Exchanger, ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.starvation import is_starved, starved
from exporter.net.dns.hosts_file import HOSTS_FILE, addresses_of
from exporter.net.dns.message import MOST_RECORDS, PAYLOAD, text_of
from exporter.net.dns.name_server import DOMAIN, MOST_NAMED, Asked, NameServer
from exporter.net.dns.resolv_conf import usable
from exporter.net.exceptions import map_exceptions
from exporter.net.tls.tlsa import SENSELESS, Tlsa

RESOLV_CONF = Path("/etc/resolv.conf")
REPETITION = 2.0  # seconds until a question goes to the next server, or to the same one again
LOCALHOST = "localhost"  # not every name server knows it (RFC 6761 section 6.3)
_KINDS = {"6": "AAAA", "4": "A"}


class Resolver:
    """Queries `nameservers` (HOST:PORT), or those of resolv.conf, which is reloaded when it
    changes.

    Answers are not cached, so that every trip measures resolution. Every failure is
    ProbeError(dns), or ProbeError(starved) if we were too late ourselves.
    """

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        timeout: float = DEFAULT_TIMEOUT,
        resolv_conf: Path = RESOLV_CONF,
        clock: Clock | None = None,
        port: int = DOMAIN,
        hosts_file: Path = HOSTS_FILE,
    ) -> None:
        """`port` is that of the servers in resolv.conf, which cannot name it."""
        self._resolv_conf = resolv_conf
        self._port = port
        self._hosts_file = hosts_file
        self._absolute = False
        self._clock = clock or Clock()
        self.configure(nameservers, timeout)

    def configure(self, nameservers: Sequence[str], timeout: float) -> None:
        """Applies these options; a query in progress keeps the previous ones."""
        self._nameservers = nameservers
        self.timeout = timeout
        self._changed = -1
        self._dns = (
            self._configured() if nameservers else dns.asyncresolver.Resolver(configure=False)
        )

    def _configured(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        servers = [server.rpartition(":") for server in self._nameservers]
        resolver.nameservers = [
            NameServer(host.strip("[]"), int(port)) for host, _, port in servers
        ]
        return resolver

    def _current(self) -> dns.asyncresolver.Resolver:
        if not self._nameservers:
            try:
                changed = os.stat(self._resolv_conf).st_mtime_ns
                if changed != self._changed:
                    lines = StringIO(usable(self._resolv_conf.read_bytes()))
                    self._dns, self._changed = dns.asyncresolver.Resolver(lines), changed
                    self._dns.nameservers = [
                        NameServer(str(one), self._port) for one in self._dns.nameservers
                    ]
            except (OSError, dns.resolver.NoResolverConfiguration):
                raise ProbeError(
                    Reason.DNS, f"no nameserver in {self._resolv_conf}; set resolver.nameservers"
                ) from None
        self._dns.lifetime = self.timeout
        self._dns.timeout = min(REPETITION, self.timeout)
        self._dns.use_edns(0, 0, PAYLOAD)
        # A server that validates says so (RFC 6840 section 5.7).
        self._dns.set_flags(dns.flags.RD | dns.flags.AD)
        return self._dns

    @property
    def absolute(self) -> Self:
        """This resolver, as it is now configured, for names that come from the DNS: it looks for
        their addresses only there. Debian has the name of a mail server as 127.0.1.1 in its own
        hosts file."""
        one = copy(self)
        one._absolute = True
        return one

    async def addresses(
        self, host: str, ip: Literal["any", "4", "6"] = "any", *, complete: bool = False
    ) -> list[str]:
        """The addresses of a host, alternating IPv6 and IPv4; an address itself is returned. The
        hosts file takes precedence, and a name is completed from the search list, as people expect.
        Some name servers fail for AAAA alone: the other addresses are enough, unless they are to be
        `complete`.

        Raises ProbeError if there is no address, or if no server has answered within the time
        limit."""
        kind = {"any": "", "4": "IPv4 ", "6": "IPv6 "}[ip]
        if literal := ip_of(host.strip("[]")):
            if ip not in ("any", str(literal.version)):
                raise ProbeError(Reason.DNS, f"{host} is not an {kind}address, and ip is {ip}")
            return [str(literal)]
        families = [family for family in ("6", "4") if ip in ("any", family)]
        known = [
            address
            for address in addresses_of(host, self._hosts_file)
            if ("6" if ":" in address else "4") in families
        ]
        if known and (not self._absolute or host == LOCALHOST):
            return known
        asked, until = Asked(), self._clock.monotonic() + self.timeout
        failures: list[ProbeError] = []
        empty = False  # one of the names exists, without an address
        for name in self._names(host, asked):
            left = until - self._clock.monotonic()
            answers = await asyncio.gather(
                *(
                    self._records_or_failure(name, _KINDS[one], host, left, asked)
                    for one in families
                )
            )
            records = [one for one in answers if isinstance(one, list)]
            failed = [one for one in answers if isinstance(one, ProbeError)]
            if (found := _alternating(records)) and (
                not complete or all(map(_is_nxdomain, failed))
            ):
                return found
            failures += failed
            if found or any(
                one.code == "TIMEOUT" or one.reason is not Reason.DNS for one in failed
            ):
                break
            empty = empty or bool(records)
        if empty and all(map(_is_nxdomain, failures)):
            raise ProbeError(Reason.DNS, f"{host} has no {kind}address{asked}")
        raise min(failures, key=_is_nxdomain)

    def _names(self, host: str, asked: Asked) -> list[dns.name.Name]:
        """What a name may stand for, in the order of resolv.conf(5)."""
        with self._library_errors(host, "", self._clock.monotonic(), asked):
            name, known = dns.name.from_text(host), self._current()
            if self._absolute or host.endswith("."):
                return [name]
            completed = list[dns.name.Name]()
            for suffix in known.search or [known.domain]:
                with suppress(dns.name.NameTooLong):
                    completed.append(dns.name.from_text(host, suffix))
            dots = 1 if known.ndots is None else known.ndots
            in_order = [name, *completed] if len(name) - 1 > dots else [*completed, name]
            return list(dict.fromkeys(in_order))

    def in_hosts_file(self, host: str, addresses: list[str]) -> bool:
        """Whether it may have these addresses from there."""
        return not self._absolute and set(addresses) <= set(addresses_of(host, self._hosts_file))

    async def _records_or_failure(
        self, name: dns.name.Name, kind: str, shown: str, seconds: float, asked: Asked
    ) -> list[str] | ProbeError:
        try:
            answer = await self._answer(name, kind, shown=shown, seconds=seconds, asked=asked)
        except ProbeError as failure:
            return failure
        return [record.to_text() for record in _records_of(answer)]

    async def exchangers(self, domain: str) -> list[Exchanger]:
        """The MX records: none is an empty list; a null MX (RFC 7505) is ProbeError(null_mx).

        Raises ProbeError(dns) or ProbeError(timeout) if the query fails. Skips an invalid host
        name, as if it could not be resolved.
        """
        records = await self._records(domain, "MX")
        exchangers = [
            Exchanger(host.rstrip("."), int(preference))
            for preference, host in map(str.split, records)
        ]
        if len(exchangers) == 1 and not exchangers[0].host:
            raise ProbeError(Reason.NULL_MX, f"{domain} accepts no mail (null MX, RFC 7505)")
        hosts = [exchanger for exchanger in exchangers if host_of(exchanger.host)]
        if exchangers and not hosts:
            detail = f"{domain} has an MX record with an invalid host name: {exchangers[0].host!r}"
            raise ProbeError(Reason.DNS, one_line(detail))
        return hosts

    async def names(self, address: str) -> list[str]:
        """The names in the PTR records of an address, usually one; empty if there are none."""
        reverse = ipaddress.ip_address(address).reverse_pointer
        return [name.rstrip(".") for name in await self._published(reverse, "PTR")]

    async def secure_name(self, host: str, ip: Literal["any", "4", "6"] = "any") -> str | None:
        """The name of the host that its aliases lead to, if the name server has validated them and
        its addresses (DNSSEC); else None. Without DNSSEC that is so of no host."""
        name = host
        for kind in {"any": ("AAAA", "A"), "4": ("A",), "6": ("AAAA",)}[ip]:
            answer = await self._answer(host, kind)
            if not answer.response.flags & dns.flags.AD:
                return None
            name = answer.canonical_name.to_text(omit_final_dot=True).lower()
        return name

    async def zone_of(self, name: str) -> str:
        """The domain of the zone that holds a name, by its SOA record (RFC 2308 section 2.1): of a
        host, usually the domain that was registered. Empty if the name does not exist, or if that
        is unknown."""
        for one in (name, name.partition(".")[2]):  # an alias leads out of its own zone
            answer = await self._answer_if_any(one, "SOA") if one else None
            if answer is None:
                break
            sections = (*answer.response.answer, *answer.response.authority)
            for rrset in sections:
                zone = rrset.name.to_text(omit_final_dot=True).lower()
                if rrset.rdtype == dns.rdatatype.SOA and f".{name}".endswith(f".{zone}"):
                    return zone
        return ""

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each in one piece; empty if there are none."""
        return [text_of(record) for record in _records_of(await self._answer_if_any(name, "TXT"))]

    async def expect_validation(self) -> None:
        """Raises ProbeError if the name server does not validate answers (DNSSEC): one that does
        says so of the root."""
        asked = Asked()
        answer = await self._answer(".", "NS", asked=asked)
        if not answer.response.flags & dns.flags.AD:
            detail = "the name server does not validate answers (DNSSEC), which DANE needs"
            raise ProbeError(Reason.DNS, f"{detail}{asked}")

    async def tlsa(self, host: str, port: int) -> list[Tlsa]:
        """The TLSA records of a TCP port (RFC 6698), if the name server has validated them; else
        none."""
        answer = await self._answer_if_any(f"_{port}._tcp.{host}", "TLSA")
        if answer is None or not answer.response.flags & dns.flags.AD:
            return []
        records = [
            Tlsa(record.usage, record.selector, record.mtype, record.cert)
            for record in _records_of(answer)
        ]
        return [*records, SENSELESS] if answer.response.errors else records

    async def published(self, host: str) -> list[str]:
        """The public addresses of a host: only from DNS, without the search list; empty if there
        are none."""
        return [*await self._published(host, "AAAA"), *await self._published(host, "A")]

    async def _published(self, name: str, kind: str) -> list[str]:
        return [record.to_text() for record in _records_of(await self._answer_if_any(name, kind))]

    def servers(self) -> list[dns.nameserver.AddressAndPortNameserver]:
        """The servers to query, in this order. Raises ProbeError."""
        servers = self._current().nameservers
        return [
            server
            for server in servers
            if isinstance(server, dns.nameserver.AddressAndPortNameserver)
        ]

    def __str__(self) -> str:
        """The servers to query, for people."""
        few = ", ".join(map(str, self.servers()[:MOST_NAMED]))
        return few + (" and others" if len(self.servers()) > MOST_NAMED else "")

    async def _records(self, name: str, kind: str) -> list[str]:
        """The records as text; empty if the name exists without any."""
        return [record.to_text() for record in _records_of(await self._answer(name, kind))]

    async def _answer_if_any(self, name: str, kind: str) -> dns.resolver.Answer | None:
        """None if there is no such name."""
        try:
            return await self._answer(name, kind)
        except ProbeError as error:
            if error.code != "NXDOMAIN":
                raise
            return None

    async def _answer(
        self,
        name: str | dns.name.Name,
        kind: str,
        *,
        shown: str = "",
        seconds: float | None = None,
        asked: Asked | None = None,
    ) -> dns.resolver.Answer:
        """The answer within so many seconds, or the configured time. Errors name what is `shown`
        instead of the name. Notes in `asked` who was asked."""
        asked, words = asked or Asked(), shown or str(name)
        with self._library_errors(words, kind, self._clock.monotonic(), asked), asked.listening():
            absolute = dns.name.from_text(name) if isinstance(name, str) else name
            return await self._current().resolve(
                absolute, kind, search=False, raise_on_no_answer=False, lifetime=seconds
            )

    def _library_errors(
        self, name: str, kind: str, since: float, asked: Asked
    ) -> AbstractContextManager[None]:
        """Translates the library's exceptions from a lookup that began at that monotonic time."""

        def failed(detail: str, code: str = "") -> ProbeError:
            return ProbeError(Reason.DNS, f"{detail}{asked}", code=code)

        def no_answer() -> ProbeError:
            detail = f"no answer for {name} {kind} within {self.timeout:g} s"
            error, late = failed(detail, "TIMEOUT"), self._clock.late_since(since)
            return starved(error, late) if is_starved(late, self.timeout) else error

        return map_exceptions(
            {
                dns.resolver.NXDOMAIN: lambda _: failed(
                    f"{name} does not exist (NXDOMAIN)", "NXDOMAIN"
                ),
                dns.resolver.LifetimeTimeout: lambda _: no_answer(),
                dns.resolver.NoNameservers: lambda _: failed(
                    f"no server could answer for {name} {kind}",
                    "REFUSED" if asked.refused else "SERVFAIL",
                ),
                (dns.exception.DNSException, UnicodeError): lambda error: failed(
                    f"cannot look up {name}: {type(error).__name__}"
                ),
                OSError: lambda error: failed(f"cannot ask for {name}: {error.strerror}"),
            }
        )


def _is_nxdomain(failure: ProbeError) -> bool:
    return failure.code == "NXDOMAIN"


def _alternating(answers: Sequence[Sequence[str]]) -> list[str]:
    longest = max(map(len, answers), default=0)
    return [found[n] for n in range(longest) for found in answers if n < len(found)]


def _records_of(answer: dns.resolver.Answer | None) -> list[Any]:
    rrset = answer.rrset if answer is not None else None
    return list(islice(rrset or (), MOST_RECORDS))
