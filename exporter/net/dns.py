"""Names: addresses and exchangers, through dnspython. The C library's resolver would queue probes
in few threads."""

import asyncio
import ipaddress
import os
import struct
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdtypes.txtbase
import dns.resolver
from dns.rdtypes.ANY.SOA import SOA

from exporter.config.grammar import host_of, ip_of
from exporter.core.clock import Clock
from exporter.core.fairness import fair_timeout
from exporter.core.model import Exchanger, ProbeError, Reason, one_line
from exporter.net.datagrams import Datagrams, Reply
from exporter.net.dns_answer import Answer, Said, over_tcp
from exporter.net.hosts_file import addresses_of

RESOLV_CONF = Path("/etc/resolv.conf")
DEFAULT_TIMEOUT = 5.0  # seconds for one question, all servers and repetitions together
REPETITION = 2.0  # seconds until a question goes to the next server, or to the same one again
DOMAIN = 53  # the port of name servers
MOST_NAMED = 3  # name servers in an error
PAYLOAD = 1232  # bytes of an answer that fit into any datagram (dnsflagday.net, 2020)
MOST_RECORDS = 1000  # of an answer


class Resolver:
    """Asks `nameservers` (HOST:PORT), or those of resolv.conf, which is read again when it changes.

    Answers are not cached: a trip tells how long a name takes. Every failure is ProbeError(dns).
    """

    def __init__(
        self,
        nameservers: Sequence[str] = (),
        timeout: float = DEFAULT_TIMEOUT,
        resolv_conf: Path = RESOLV_CONF,
    ) -> None:
        self._resolv_conf = resolv_conf
        self._datagrams: dict[tuple[str, int], Datagrams] = {}
        self.configure(nameservers, timeout)

    def configure(self, nameservers: Sequence[str], timeout: float) -> None:
        """From now on with these options; a question that is under way ends as it began."""
        self._nameservers = nameservers
        self._timeout = timeout
        self._changed = -1
        self._dns = (
            self._configured() if nameservers else dns.asyncresolver.Resolver(configure=False)
        )

    def _configured(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        servers = [server.rpartition(":") for server in self._nameservers]
        resolver.nameservers = [
            _NameServer(host.strip("[]"), int(port)) for host, _, port in servers
        ]
        return resolver

    def _current(self) -> dns.asyncresolver.Resolver:
        if not self._nameservers:
            try:
                changed = os.stat(self._resolv_conf).st_mtime_ns
                if changed != self._changed:
                    self._dns, self._changed = (
                        dns.asyncresolver.Resolver(str(self._resolv_conf)),
                        changed,
                    )
                    self._dns.nameservers = [
                        _NameServer(str(one), self._dns.port) for one in self._dns.nameservers
                    ]
            except (OSError, dns.resolver.NoResolverConfiguration):
                raise ProbeError(
                    Reason.DNS, f"no nameserver in {self._resolv_conf}; set resolver.nameservers"
                ) from None
        self._dns.lifetime = self._timeout
        self._dns.timeout = min(REPETITION, self._timeout)
        self._dns.use_edns(0, 0, PAYLOAD)
        return self._dns

    async def addresses(self, host: str, ip: Literal["any", "4", "6"] = "any") -> list[str]:
        """The addresses of a host, IPv6 and IPv4 in turns; an address is its own. The hosts file
        goes first."""
        kind = {"any": "", "4": "IPv4 ", "6": "IPv6 "}[ip]
        if literal := ip_of(host.strip("[]")):
            if ip not in ("any", str(literal.version)):
                raise ProbeError(Reason.DNS, f"{host} is no {kind}address, and ip is {ip}")
            return [str(literal)]
        families = [family for family in ("6", "4") if ip in ("any", family)]
        known = [
            address
            for address in addresses_of(host)
            if ("6" if ":" in address else "4") in families
        ]
        if known:
            return known
        answers: dict[str, list[str]] = {}
        for family in families:
            answers[family] = await self._records(
                host, "AAAA" if family == "6" else "A", search=True
            )
        longest = max(len(found) for found in answers.values())
        addresses = [
            found[n] for n in range(longest) for found in answers.values() if n < len(found)
        ]
        if not addresses:
            raise ProbeError(Reason.DNS, f"{host} has no {kind}address; {self._asked()}")
        return addresses

    async def exchangers(self, domain: str) -> list[Exchanger]:
        """The MX records: none is an empty list; a null MX (RFC 7505) is ProbeError(null_mx).

        A name that no host can have is passed over, as if it could not be resolved.
        """
        records = await self._records(domain, "MX")
        exchangers = [
            Exchanger(host.rstrip("."), int(preference))
            for preference, host in map(str.split, records)
        ]
        if len(exchangers) == 1 and not exchangers[0].host:
            raise ProbeError(
                Reason.NULL_MX, f"{domain} says that it takes no mail (null MX, RFC 7505)"
            )
        hosts = [exchanger for exchanger in exchangers if host_of(exchanger.host)]
        if exchangers and not hosts:
            detail = f"{domain} names an exchanger that is no host: {exchangers[0].host!r}"
            raise ProbeError(Reason.DNS, one_line(detail))
        return hosts

    async def names(self, address: str) -> list[str]:
        """What the PTR records call an address, most often one name; without any an empty list."""
        reverse = ipaddress.ip_address(address).reverse_pointer
        return [name.rstrip(".") for name in await self._published(reverse, "PTR")]

    async def published(self, host: str) -> list[str]:
        """The addresses that others find for a host: in DNS alone, under this very name; none is an
        empty list."""
        return [*await self._published(host, "AAAA"), *await self._published(host, "A")]

    async def _published(self, name: str, kind: str) -> list[str]:
        try:
            return await self._records(name, kind)
        except ProbeError as error:
            if error.code != "NXDOMAIN":
                raise
            return []

    async def ask(self, name: str, kind: Literal["A", "TXT"], clock: Clock) -> Answer:
        """Asks for this very name: no search list, no hosts file. Never raises ProbeError, and
        never tells the name.

        Made for thousands of questions: several times cheaper than the other methods.
        """
        started = clock.monotonic()
        try:
            query = _query(dns.name.from_text(name), kind)
            servers = [(str(server.address), int(server.port)) for server in self._servers()]
        except (dns.exception.DNSException, UnicodeError):
            return Answer(Said.SENSELESS)
        except ProbeError:
            return Answer(Said.NETWORK)
        try:
            async with fair_timeout(self._timeout, self._timeout):
                return await self._ask_in_turns(query, servers, clock, started)
        except TimeoutError:
            return Answer(Said.TIMEOUT, took=clock.monotonic() - started)

    async def _ask_in_turns(
        self, query: bytes, servers: list[tuple[str, int]], clock: Clock, started: float
    ) -> Answer:
        """Asks one server after the other, again and again; one that says that it cannot tell is
        not asked again."""
        failure, turn = Answer(Said.NETWORK), 0
        while servers:
            server = servers[turn % len(servers)]
            before = clock.monotonic() - started
            try:
                async with asyncio.timeout(REPETITION):
                    reply = await self._datagrams_to(server, clock).ask(query)
                    answer = await self._read(reply, query, server, clock, before)
            except TimeoutError:
                turn += 1
                continue
            except OSError:
                answer = Answer(Said.NETWORK, took=before)
            if answer.said in _ANSWERS:
                return answer
            failure = answer if answer.said is not Said.NETWORK else failure
            servers = [other for other in servers if other != server]
        return failure

    def _datagrams_to(self, server: tuple[str, int], clock: Clock) -> Datagrams:
        if server not in self._datagrams:
            self._datagrams[server] = Datagrams(dns.inet.low_level_address_tuple(server), clock)
        return self._datagrams[server]

    async def _read(
        self, reply: Reply, query: bytes, server: tuple[str, int], clock: Clock, before: float
    ) -> Answer:
        """The answer in a datagram, or over TCP if it did not fit into one. Raises OSError."""
        took = before + reply.took
        try:
            if reply.wire[2] & _TRUNCATED:
                started = clock.monotonic()
                message = await _asked_over_tcp(server, dns.message.from_wire(query))
                took += clock.monotonic() - started
            else:
                message = await _read(reply.wire)
            return _answer(message, took)
        except (dns.exception.DNSException, EOFError):
            return Answer(Said.SENSELESS, took=took)

    def _servers(self) -> list[dns.nameserver.AddressAndPortNameserver]:
        """Those to ask, in this order. Raises ProbeError."""
        servers = self._current().nameservers
        return [
            server
            for server in servers
            if isinstance(server, dns.nameserver.AddressAndPortNameserver)
        ]

    def _asked(self) -> str:
        """Whom, for people."""
        servers = [(server.address, server.port) for server in self._servers()]
        names = [
            host if port == DOMAIN else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for host, port in servers[:MOST_NAMED]
        ]
        return f"asked {', '.join(names)}{' and others' if len(servers) > MOST_NAMED else ''}"

    async def _records(self, name: str, kind: str, *, search: bool = False) -> list[str]:
        """The records as text; none, but the name exists: an empty list."""
        try:
            absolute = dns.name.from_text(name) if name.endswith(".") or not search else name
            answer = await self._current().resolve(
                absolute, kind, search=search, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            raise ProbeError(
                Reason.DNS, f"{name} does not exist (NXDOMAIN); {self._asked()}", code="NXDOMAIN"
            ) from None
        except dns.resolver.LifetimeTimeout as error:
            detail = f"no answer for {name} {kind} within {self._timeout:g} s; {self._asked()}"
            raise ProbeError(Reason.DNS, detail, code="TIMEOUT") from error
        except dns.resolver.NoNameservers as error:
            detail = f"no server could answer for {name} {kind}; {self._asked()}"
            raise ProbeError(Reason.DNS, detail, code="SERVFAIL") from error
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ProbeError(
                Reason.DNS, f"cannot look up {name}: {type(error).__name__}"
            ) from error
        except OSError as error:
            raise ProbeError(
                Reason.DNS, f"cannot ask for {name}: {error.strerror}; {self._asked()}"
            ) from error
        return [record.to_text() for record in islice(answer.rrset or (), MOST_RECORDS)]


_ANSWERS = (Said.RECORDS, Said.NODATA, Said.NXDOMAIN)
_TYPES = {"A": 1, "TXT": 16}
_TRUNCATED = 0x02  # in the third byte of a message
_RCODES = {
    dns.rcode.NOERROR: Said.NODATA,
    dns.rcode.NXDOMAIN: Said.NXDOMAIN,
    dns.rcode.REFUSED: Said.REFUSED,
}


def _query(name: dns.name.Name, kind: Literal["A", "TXT"]) -> bytes:
    """A query with EDNS and recursion desired (RFC 1035 section 4.1, RFC 6891 section 6.1.2), and
    without an id.

    Written here because dnspython takes as long for it as everything else in a question does.
    """
    question = name.to_digestable() + struct.pack("!HH", _TYPES[kind], 1)
    return (
        struct.pack("!6H", 0, 0x0100, 1, 0, 0, 1)
        + question
        + struct.pack("!BHHIH", 0, 41, PAYLOAD, 0, 0)
    )


def _answer(message: dns.message.Message, took: float) -> Answer:
    said = _RCODES.get(message.rcode(), Said.SERVFAIL)
    if said not in _ANSWERS or not isinstance(message, dns.message.QueryMessage):
        return Answer(said, took=took)
    if not message.answer:
        return Answer(said, ttl=_negative_ttl(message), took=took)
    chain = message.resolve_chaining()
    if chain.answer is None:
        return Answer(said, ttl=chain.minimum_ttl, took=took)
    return Answer(
        Said.RECORDS, tuple(map(_text, islice(chain.answer, MOST_RECORDS))), chain.minimum_ttl, took
    )


def _negative_ttl(message: dns.message.Message) -> float:
    """For how long there is no such record (RFC 2308 section 5); without an SOA nobody knows."""
    for rrset in message.authority:
        if isinstance(soa := rrset[0], SOA):
            return float(min(rrset.ttl, soa.minimum))
    return 0.0


def _text(record: object) -> str:
    if isinstance(record, dns.rdtypes.txtbase.TXTBase):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record)


async def _read(wire: bytes) -> dns.message.Message:
    """A long answer is read in a thread: dnspython takes a tenth of a second for some thousands of
    records."""
    read = dns.message.from_wire
    return await asyncio.to_thread(read, wire) if len(wire) > PAYLOAD else read(wire)


async def _asked_over_tcp(
    server: tuple[str, int], query: dns.message.Message
) -> dns.message.Message:
    answer = await _read(await over_tcp(server, query.to_wire()))
    if not query.is_response(answer):
        raise dns.exception.FormError
    return answer


class _NameServer(dns.nameserver.Do53Nameserver):
    """Others have their turn while what came over TCP is read."""

    async def async_query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: Any,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        if not max_size:
            return await super().async_query(
                request,
                timeout,
                source,
                source_port,
                max_size,
                backend,
                one_rr_per_rrset,
                ignore_trailing,
            )
        try:
            async with asyncio.timeout(timeout):
                return await _asked_over_tcp((self.address, self.port), request)
        except TimeoutError:
            raise dns.exception.Timeout from None
