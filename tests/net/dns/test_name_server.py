"""Name servers that do not understand EDNS (RFC 6891 section 7), as in old routers."""

import asyncio
from typing import Any

import dns.message
import dns.nameserver
import dns.rcode
import pytest

from exporter.core.timing.clock import Clock
from exporter.net.dns.answer import DnsResult
from exporter.net.dns.name_server import NameServer
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from tests.support.broken_nameserver import NamesServer, names_server
from tests.support.fast_forward import fast_forward


def saying(name: str, kind: str) -> list[str]:
    return {"A": ["192.0.2.1"], "MX": ["10 mx.a.test."], "TXT": ['"v=spf1 -all"']}.get(kind, [])


without_edns = pytest.mark.parametrize(
    ("code", "echoes"),
    [
        (dns.rcode.FORMERR, True),
        (dns.rcode.FORMERR, False),
        (dns.rcode.NOTIMP, True),
        (dns.rcode.NOTIMP, False),
    ],
    ids=["FORMERR", "FORMERR alone", "NOTIMP", "NOTIMP alone"],
)


@without_edns
async def test_names_are_found_without_it(code: dns.rcode.Rcode, echoes: bool) -> None:
    """The C library does without it in any case, so everything else on that machine works."""
    async with names_server(NamesServer(saying, without_edns=code, echoes=echoes)) as server:
        resolver = Resolver([server.address], timeout=2)
        assert await resolver.addresses("a.test") == ["192.0.2.1"]
        assert [one.host for one in await resolver.exchangers("a.test")] == ["mx.a.test"]


@without_edns
async def test_lists_and_senders_are_asked_without_it(code: dns.rcode.Rcode, echoes: bool) -> None:
    """The server is asked with it only once."""
    async with names_server(NamesServer(saying, without_edns=code, echoes=echoes)) as server:
        queries = DnsQueries(Resolver([server.address], timeout=2), Clock())
        for _ in range(2):
            answer = await queries.query("a.test.", "TXT")
            assert (answer.result, answer.records) == (DnsResult.RECORDS, ("v=spf1 -all",))
    assert len(server.asked) == 3


class Refuses(dns.nameserver.Do53Nameserver):
    """Refuses every query after a while, and keeps how long each might take."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(address, port)
        self.times: list[float] = []

    async def async_query(
        self, request: dns.message.QueryMessage, timeout: float, *_: Any
    ) -> dns.message.Message:
        self.times.append(timeout)
        await asyncio.sleep(0.1)
        reply = dns.message.make_response(request)
        reply.use_edns(False)
        reply.set_rcode(dns.rcode.FORMERR)
        return reply


class Refusing(NameServer, Refuses):
    pass


@fast_forward
async def test_both_queries_together_have_the_time_of_one() -> None:
    server = Refusing("127.0.0.1", 1)
    query = dns.message.make_query("a.test", "A", use_edns=0)
    await server.async_query(query, 2.0, None, 0, max_size=False, backend=None)
    first, second = server.times
    assert second < first - 0.09


async def test_without_it_long_answers_come_over_tcp() -> None:
    server = NamesServer(saying, without_edns=dns.rcode.FORMERR, truncate=True)
    async with names_server(server):
        queries = DnsQueries(Resolver([server.address], timeout=2), Clock())
        assert (await queries.query("a.test.", "A")).records == ("192.0.2.1",)
    assert server.asked_tcp == [("a.test", "A")]


async def test_who_understands_nothing_is_given_up() -> None:
    async with names_server(lambda name, kind: dns.rcode.FORMERR) as server:
        server.without_edns = dns.rcode.FORMERR
        queries = DnsQueries(Resolver([server.address], timeout=2), Clock())
        assert (await queries.query("a.test.", "A")).result is DnsResult.SERVFAIL
