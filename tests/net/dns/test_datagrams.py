"""Questions by the thousand: what came of each, for how long it holds, and how long the network
took."""

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from exporter.core.timing.clock import Clock
from exporter.net.dns.answer import Answer, DnsResult
from exporter.net.dns.datagrams import MOST_QUESTIONS, SO_TIMESTAMPNS, Datagrams
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from tests.lab.client import Lab
from tests.support.broken_nameserver import names_server

CLOCK = Clock()
Respond = Callable[[socket.socket, bytes, Any], None]
QUERY = dns.message.make_query("a.test.", "A").to_wire()


async def query(server: str, name: str = "a.test.", *, timeout: float = 20.0) -> Answer:
    return await DnsQueries(Resolver([server], timeout), CLOCK).query(name, "A")


def open_sockets() -> int:
    return sum(
        os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    )


async def test_a_real_resolver_says_what_it_knows(lab: Lab) -> None:
    assert (await query(lab.dns, "relay.lab.test.")).records == (lab.relay_ip,)
    assert (await query(lab.dns, "nowhere.lab.test.")).result is DnsResult.NXDOMAIN
    assert (await query(lab.dns, "deadfirst.test.")).result is DnsResult.NODATA
    text = await DnsQueries(Resolver([lab.dns]), CLOCK).query("2.0.0.127.blclean.lab.test.", "TXT")
    assert text.records == ("Listed by blclean.lab.test",)


async def test_records_and_absence_hold_for_their_ttl() -> None:
    async with names_server(
        lambda name, kind: ["127.0.0.2"] if name == "a.test" else dns.rcode.NXDOMAIN, ttl=77
    ) as server:
        found, missing = await query(server.address), await query(server.address, "b.test.")
        assert (found.result, found.records, found.ttl) == (DnsResult.RECORDS, ("127.0.0.2",), 77)
        assert (missing.result, missing.records, missing.ttl) == (DnsResult.NXDOMAIN, (), 77)


@pytest.mark.parametrize(
    ("rcode", "said"),
    [
        (dns.rcode.SERVFAIL, "servfail"),
        (dns.rcode.REFUSED, "refused"),
        (dns.rcode.NOTIMP, "servfail"),
    ],
)
async def test_what_a_server_cannot_say_is_told_apart(rcode: dns.rcode.Rcode, said: str) -> None:
    async with names_server(lambda name, kind: rcode) as server:
        assert (await query(server.address)).result == said
        assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["a..b.", "x" * 64 + ".test."])
async def test_what_is_no_name_is_not_asked(name: str) -> None:
    assert (await query("127.0.0.1:1", name)).result is DnsResult.SENSELESS


async def test_silence_ends_at_the_timeout_and_a_closed_port_at_once(lab: Lab) -> None:
    silent = await query(lab.silent_dns, timeout=0.2)
    assert silent.result is DnsResult.TIMEOUT
    assert silent.took >= 0.2
    assert (await query("127.0.0.1:1", timeout=60)).result is DnsResult.NETWORK


async def test_the_next_server_is_asked_when_one_cannot_say(lab: Lab) -> None:
    async with names_server(lambda name, kind: dns.rcode.SERVFAIL) as broken:
        for first in (broken.address, "127.0.0.1:1"):
            queries = DnsQueries(Resolver([first, lab.dns], 2.0), CLOCK)
            assert (await queries.query("relay.lab.test.", "A")).records == (lab.relay_ip,)


async def test_a_question_that_was_lost_is_asked_again(lab: Lab) -> None:
    """The first server is silent; after a while the other one is asked."""
    answer = await DnsQueries(Resolver([lab.silent_dns, lab.dns], 10.0), CLOCK).query(
        "relay.lab.test.", "A"
    )
    assert answer.records == (lab.relay_ip,)
    assert answer.took >= 2


async def test_no_nameserver_at_all_is_an_answer_too(tmp_path: Path) -> None:
    assert (
        await DnsQueries(Resolver(resolv_conf=tmp_path / "none"), CLOCK).query("a.test.", "A")
    ).result is DnsResult.NETWORK


async def test_many_share_few_sockets_and_none_is_left() -> None:
    before, seen = open_sockets(), []

    def saying(name: str, kind: str) -> list[str]:
        seen.append(open_sockets())
        return ["127.0.0.2"]

    async with names_server(saying) as server:
        listening = open_sockets()
        queries = DnsQueries(Resolver([server.address], 5.0), CLOCK)
        answers = await asyncio.gather(*(queries.query(f"{n}.test.", "A") for n in range(200)))
        assert {answer.result for answer in answers} == {DnsResult.RECORDS}
        assert max(seen) - listening <= 200 // MOST_QUESTIONS + 1
        assert open_sockets() == listening
    await asyncio.sleep(0)
    assert open_sockets() <= before


async def test_cancelling_closes_the_socket(lab: Lab) -> None:
    before = open_sockets()
    waiting = asyncio.create_task(query(lab.silent_dns))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert open_sockets() == before


@asynccontextmanager
async def a_server(respond: Respond, clock: Clock = CLOCK) -> AsyncIterator[Datagrams]:
    """Ours is asked over it; `respond` gets every datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(listening, lambda: respond(listening, *listening.recvfrom(4096)))
        yield Datagrams(listening.getsockname(), clock)
        loop.remove_reader(listening)


def reply_to(wire: bytes) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(wire))
    return message.to_wire()


async def test_forged_answers_are_passed_over() -> None:
    """Another id, another question, a query, a stump: the true answer comes last and is taken."""

    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        true = reply_to(wire)
        other = dns.message.make_query("b.test.", "A", id=int.from_bytes(wire[:2]))
        other.flags |= dns.flags.QR
        forged = [bytes([wire[0] ^ 1]) + true[1:], other.to_wire(), wire, wire[:2], b"", true[:11]]
        for datagram in [*forged, true, true]:
            listening.sendto(datagram, peer)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(true, peer)

    bugs: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: bugs.append(context))
    async with a_server(respond) as datagrams:
        reply = await datagrams.query(QUERY)
        assert not bugs
        assert dns.message.from_wire(reply.wire).question[0].name.to_text() == "a.test."
        assert reply.wire[2] & 0x80


async def test_a_broken_answer_is_none() -> None:
    """Its id and its question are right, and what it announces does not come."""

    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        reply = bytearray(reply_to(wire))
        reply[7] = 3  # so many answers
        listening.sendto(reply, peer)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        loop.add_reader(listening, lambda: respond(listening, *listening.recvfrom(4096)))
        assert (
            await query(f"127.0.0.1:{listening.getsockname()[1]}")
        ).result is DnsResult.SENSELESS
        loop.remove_reader(listening)


async def test_an_answer_in_other_letters_is_the_same() -> None:
    """Some resolvers write the question in their own case (draft-vixie-dnsext-dns0x20)."""

    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        listening.sendto(reply_to(wire).replace(b"test", b"TesT"), peer)

    async with a_server(respond) as datagrams:
        assert b"TesT" in (await datagrams.query(QUERY)).wire


@contextmanager
def arrivals_noted() -> Iterator[None]:
    """The kernel begins to note when datagrams arrive a moment after the first socket wants it, and
    goes on as long as there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        while True:
            one.sendto(b"", one.getsockname())
            time.sleep(0.02)
            read_at = time.time()
            ((_, _, noted),) = one.recvmsg(0, 64)[1]
            seconds, nanoseconds = struct.unpack("@ll", noted)
            if seconds + nanoseconds / 1e9 < read_at:
                break
        yield


@pytest.mark.slow
async def test_the_time_is_the_networks_and_not_that_of_our_own_queue() -> None:
    """The loop is held up after the answer has come: the kernel knows when that was."""

    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        listening.sendto(reply_to(wire), peer)
        time.sleep(0.5)

    with arrivals_noted():
        async with a_server(respond) as datagrams:
            assert (await datagrams.query(QUERY)).took < 0.25


async def test_a_wall_clock_that_was_set_back_or_forth_does_not_spoil_the_time() -> None:
    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        listening.sendto(reply_to(wire), peer)

    ahead = [0.0]
    async with a_server(respond, Clock(wall=lambda: time.time() + ahead[0])) as datagrams:
        for shift in (-1e6, 1e6):
            ahead[0] = shift
            assert 0 <= (await datagrams.query(QUERY)).took < 60


async def test_ids_and_ports_are_hard_to_guess() -> None:
    ids, ports = set(), set()

    def respond(listening: socket.socket, wire: bytes, peer: Any) -> None:
        ids.add(wire[:2])
        ports.add(peer)
        listening.sendto(reply_to(wire), peer)

    async with a_server(respond) as datagrams:
        for _ in range(40):
            await datagrams.query(QUERY)
    assert len(ids) > 35
    assert len(ports) > 10
