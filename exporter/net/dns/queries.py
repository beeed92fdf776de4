"""Bulk queries for blocklists and for the authentication of messages: over few sockets, and without
dnspython's resolver."""

import asyncio
import struct
from itertools import islice
from typing import Literal

import dns.exception
import dns.inet
import dns.message
import dns.name
import dns.rcode
from dns.rdtypes.ANY.SOA import SOA

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.starvation import is_starved, starved
from exporter.net.dns.answer import Answer, DnsResult
from exporter.net.dns.datagrams import NOT_UNDERSTOOD, Datagrams, Reply
from exporter.net.dns.message import (
    MOST_RECORDS,
    PAYLOAD,
    asked_over_tcp,
    read,
    refuses_edns,
    text_of,
)
from exporter.net.dns.resolver import REPETITION, Resolver

RecordType = Literal["A", "AAAA", "MX", "PTR", "TXT"]


class DnsQueries:
    """Queries the nameservers of a resolver, within its timeout. Answers are not cached."""

    def __init__(self, resolver: Resolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._datagrams: dict[tuple[str, int], Datagrams] = {}
        self._without_edns: set[tuple[str, int]] = set()  # servers that do not understand it

    async def query(self, name: str, kind: RecordType) -> Answer:
        """Queries exactly this name: no search list, no hosts file. Raises ProbeError only if we
        were too late ourselves; never logs the name.

        Designed for thousands of queries: several times cheaper than the methods of a resolver.
        """
        started = self._clock.monotonic()
        try:
            query = _query(dns.name.from_text(name), kind)
            servers = [
                (str(server.address), int(server.port)) for server in self._resolver.servers()
            ]
        except (dns.exception.DNSException, UnicodeError):
            return Answer(DnsResult.SENSELESS)
        except ProbeError:
            return Answer(DnsResult.NETWORK)
        try:
            async with FairTimeout(self._resolver.timeout, self._resolver.timeout):
                return await self._query_in_turns(query, servers, started)
        except TimeoutError:
            late = self._clock.late_since(started)
            if is_starved(late, self._resolver.timeout):
                raise starved(ProbeError(Reason.DNS, "no answer in time"), late) from None
            return Answer(DnsResult.TIMEOUT, took=self._clock.monotonic() - started)

    async def _query_in_turns(
        self, query: bytes, servers: list[tuple[str, int]], started: float
    ) -> Answer:
        """Queries the servers in turn, repeatedly; skips one that has reported a failure."""
        failure, turn = Answer(DnsResult.NETWORK), 0
        while servers:
            server = servers[turn % len(servers)]
            before = self._clock.monotonic() - started
            sent = _plain(query) if server in self._without_edns else query
            try:
                async with asyncio.timeout(REPETITION):
                    reply = await self._datagrams_to(server).query(sent)
                    if sent is query and _refuses_edns(reply.wire):
                        self._without_edns.add(server)
                        continue
                    answer = await self._read(reply, sent, server, before)
            except TimeoutError:
                turn += 1
                continue
            except OSError:
                answer = Answer(DnsResult.NETWORK, took=before)
            if answer.result in _ANSWERS:
                return answer
            failure = answer if answer.result is not DnsResult.NETWORK else failure
            servers = [other for other in servers if other != server]
        return failure

    def _datagrams_to(self, server: tuple[str, int]) -> Datagrams:
        if server not in self._datagrams:
            self._datagrams[server] = Datagrams(
                dns.inet.low_level_address_tuple(server), self._clock
            )
        return self._datagrams[server]

    async def _read(
        self, reply: Reply, query: bytes, server: tuple[str, int], before: float
    ) -> Answer:
        """The answer in a datagram, or over TCP if it did not fit into one. Raises OSError."""
        took = before + reply.took
        try:
            if reply.wire[2] & _TRUNCATED:
                started = self._clock.monotonic()
                message = await asked_over_tcp(server, dns.message.from_wire(query))
                took += self._clock.monotonic() - started
            else:
                message = await read(reply.wire)
            return _answer(message, took)
        except (dns.exception.DNSException, EOFError):
            return Answer(DnsResult.SENSELESS, took=took)


_ANSWERS = (DnsResult.RECORDS, DnsResult.NODATA, DnsResult.NXDOMAIN)
_TYPES: dict[RecordType, int] = {"A": 1, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
_TRUNCATED = 0x02  # in the third byte of a message
_EDNS = struct.Struct("!BHHIH")  # at the end of a query: an OPT record without options
_RCODES = {
    dns.rcode.NOERROR: DnsResult.NODATA,
    dns.rcode.NXDOMAIN: DnsResult.NXDOMAIN,
    dns.rcode.REFUSED: DnsResult.REFUSED,
}


def _query(name: dns.name.Name, kind: RecordType) -> bytes:
    """A query with EDNS and recursion desired (RFC 1035 section 4.1, RFC 6891 section 6.1.2), and
    without an id.

    It does not use dnspython, which needs as long for this as the rest of a query takes.
    """
    question = name.to_digestable() + struct.pack("!HH", _TYPES[kind], 1)
    return struct.pack("!6H", 0, 0x0100, 1, 0, 0, 1) + question + _EDNS.pack(0, 41, PAYLOAD, 0, 0)


def _plain(query: bytes) -> bytes:
    """A query without EDNS, for servers that do not understand it."""
    return query[:10] + b"\0\0" + query[12 : -_EDNS.size]


def _refuses_edns(wire: bytes) -> bool:
    try:
        return wire[3] & 0x0F in NOT_UNDERSTOOD and refuses_edns(dns.message.from_wire(wire))
    except dns.exception.DNSException:
        return False


def _answer(message: dns.message.Message, took: float) -> Answer:
    said = _RCODES.get(message.rcode(), DnsResult.SERVFAIL)
    if said not in _ANSWERS or not isinstance(message, dns.message.QueryMessage):
        return Answer(said, took=took)
    if not message.answer:
        return Answer(said, ttl=_negative_ttl(message), took=took)
    chain = message.resolve_chaining()
    if chain.answer is None:
        return Answer(said, ttl=chain.minimum_ttl, took=took)
    return Answer(
        DnsResult.RECORDS,
        tuple(map(text_of, islice(chain.answer, MOST_RECORDS))),
        chain.minimum_ttl,
        took,
    )


def _negative_ttl(message: dns.message.Message) -> float:
    """The negative TTL (RFC 2308 section 5); 0 without an SOA."""
    for rrset in message.authority:
        if isinstance(soa := rrset[0], SOA):
            return float(min(rrset.ttl, soa.minimum))
    return 0.0
