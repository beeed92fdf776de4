"""What a stranger's mail takes of our time, nobody else has to wait for."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import aiohttp
import dns.message
import dns.rrset
import pytest
from aiohttp.test_utils import make_mocked_request

from exporter.config.types import Listen
from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Outage
from exporter.core.model import Outcome, ProbeKey
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.maildir.folder import DirectoryListing
from exporter.mailboxes.session import READ_LIMIT
from exporter.mailboxes.watcher.strays import Stray
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.net.dns.answer import DnsResult
from exporter.net.dns.message import MOST_RECORDS
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from exporter.net.imap.reader import Reader
from exporter.net.imap.reply import Reply
from exporter.net.imap.values import MAX_WORDS
from exporter.net.pop3.listing import Listing
from exporter.net.pop3.reply import reply_in
from exporter.state.evidence import ListedTrip
from exporter.state.timeline import TimelineTrip
from exporter.web.api.probes import Probes
from exporter.web.listeners import AT_ONCE, listen
from exporter.web.pages.pages import Pages
from exporter.web.pages.probe_list import Query
from tests.support.broken_nameserver import NamesServer, names_server
from tests.support.http_site import Site, site
from tests.support.imap_attacker import Ticker, attacked
from tests.support.pauses import with_pauses
from tests.support.pretend import PretendMailbox
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import receiver
from tests.support.watcher_rig import MINT, message

HOSTILE = (
    "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(99))
    + "base64\r\n"
)
MANY = 60


@pytest.mark.slow
async def test_many_hostile_messages() -> None:
    """If many unrelated messages arrive at once, other work runs after each of them, and while one
    longer than 4 KiB is read."""
    mailbox, turns = PretendMailbox(), 0

    async def stray(stray: Stray) -> float:
        return 0.0

    watcher = Watcher("monitor", mailbox, MINT, Clock(), 30, stray)
    run, token = Run(Clock(), session_timeout=30), MINT.mint(0)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with watcher.expect(token.trip, run) as expected:
        await expected.ready()
        for number in range(MANY):
            mailbox.deliver(
                f"X-Number: {number}\r\n{HOSTILE}".encode()[: 3000 if number % 2 else READ_LIMIT]
            )
        mailbox.deliver(message(token))
        counting = asyncio.create_task(count())
        began = time.monotonic()
        await expected.arrival()
        assert turns > MANY
        turns = 0
        mailbox.deliver(("X: base64\r\n" + HOSTILE + "x\r\n" * READ_LIMIT).encode()[:READ_LIMIT])
        watcher.wake()
        await asyncio.sleep(min(time.monotonic() - began, 0.1))
        assert turns > 2
        counting.cancel()
    await watcher.close()


async def test_clients_of_one_address() -> None:
    """Messages from one client address are processed one at a time, so that other clients do
    not wait for all of them."""
    judged: list[bytes] = []
    gate = asyncio.Semaphore(0)

    async def wanted(raw: bytes) -> bool:
        judged.append(raw.rpartition(b"from ")[2].strip())
        await gate.acquire()
        return True

    async with receiver(wanted=wanted) as session, AsyncExitStack() as stack:
        clients = []
        for number in range(8):
            source = "127.0.1.1" if number < 7 else "127.0.1.2"
            client = await stack.enter_async_context(
                RawClient(session.receiver.port, source=source)
            )
            await client.until_data()
            client.send(f"Subject: from {source}\r\n.\r\n".encode())
            clients.append(client)
        while len(judged) < 2:
            await asyncio.sleep(0.01)
        assert judged == [b"127.0.1.1", b"127.0.1.2"]
        for _ in clients:
            gate.release()
        assert [await client.reply() for client in clients] == ["250 2.6.0 Seen"] * 8


async def test_lateness() -> None:
    """Data that a server has sent in time is read even if mailtrip itself is delayed; its own
    delay is added to `session_timeout`, up to double."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    async with Run(Clock(), session_timeout=0.1).conversation():
        theirs.send(b"* OK\r\n")
        time.sleep(0.3)  # noqa: ASYNC251 - as when a callback computes for so long
        assert await reader.readline() == b"* OK\r\n"
    writer.close()
    theirs.close()


async def test_what_an_imap_server_says() -> None:
    """IMAP responses are parsed in slices of a few milliseconds, and at most 1,000 words of one
    response are parsed."""
    assert MAX_WORDS == 1000
    async with attacked(
        b"* 1 FETCH (UID 1 " + b"() " * 5000 + b"\r\n" + b"* OK\r\n" * 5000
    ) as imap:
        await imap.greeting()
        ticker = Ticker()
        reply = await imap.simple_command("NOOP")
        ticker.stop()
    assert {line.name for line in reply.lines} == {"OK"}
    assert ticker.turns > 20


@pytest.mark.parametrize(
    "words", ["[A" + " " * 50_000, "login " * 50_000, "unsupported " * 50_000, "lock " * 50_000]
)
def test_long_refusals(words: str) -> None:
    """At most 1,000 characters of the text of an IMAP or POP3 error are read, whatever they
    are."""
    began = time.process_time()
    (response,) = Reader().feed(f"A1 NO {words}\r\n".encode())
    reply = Reply("192.0.2.1", response.name, response.code, response.text, [])
    assert not reply.passing or words.startswith("lock")
    assert reply.mechanism_refused is False
    refusal = reply_in("192.0.2.1", f"-ERR {words}")
    assert refusal
    assert max(len(refusal.text), len(reply.text)) <= 1000
    # Unbounded, each takes several seconds, and the first one minutes.
    assert time.process_time() - began < 1


class NoRecords:
    """No trips, and no thread that looks for them."""

    async def recent(self, probe: ProbeKey | None, limit: int) -> list[Outcome]:
        return []

    async def availabilities(self, span: float, now: float) -> dict[ProbeKey, float]:
        return {}

    async def listed(self, probe: ProbeKey, limit: int, offset: int = 0) -> list[ListedTrip]:
        return []

    async def outcome(self, trip_id: str, probe: ProbeKey | None = None) -> Outcome | None:
        return None

    async def outages(
        self,
        probe: ProbeKey | None,
        limit: int,
        offset: int = 0,
        *,
        lasting: bool | None = None,
    ) -> list[Outage]:
        return []

    async def outage(self, outage_id: str) -> Outage | None:
        return None

    async def beside(self, outage: Outage) -> tuple[Outcome | None, Outcome | None]:
        return None, None

    async def outage_at(self, probe: ProbeKey, at: float) -> Outage | None:
        return None

    async def timeline(self, probe: ProbeKey, trip_id: str = "") -> list[TimelineTrip]:
        return []

    async def downtimes(
        self, probes: Sequence[ProbeKey], spans: Sequence[float], now: float
    ) -> dict[ProbeKey, Sequence[Downtime]]:
        return {}

    async def account(self, month: Month, now: float) -> list[ProbeAccount]:
        return []

    async def last_ends(self) -> dict[ProbeKey, float]:
        return {}


async def test_many_probes() -> None:
    """A page shows at most 100 probes, however many there are. mailtrip searches them, and renders
    the page, in slices of a few milliseconds."""
    async with site() as here:
        pages = Pages(here.probes, NoRecords(), {}, time.time)
        few = with_pauses(pages.overview())[1]
        for number in range(10_000):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        page, pauses = with_pauses(pages.overview(Query(page=50)))
        assert page.count("@example.org</a>") == 100
        assert len(page) < 100_000
    assert pauses > few + 10


@pytest.mark.slow
async def test_many_probes_in_the_api() -> None:
    """The API describes at most 1000 probes at a time, in slices of a few milliseconds."""
    async with site() as here:
        for number in range(10_000):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        api = Probes(here.probes, NoRecords(), Maintenance(), here.rig.clock)
        request = make_mocked_request("GET", "/api/v1/probes?limit=1000&offset=9000")
        began = time.thread_time()
        text, pauses = with_pauses(api.get(request))
        spent = time.thread_time() - began
        assert text.decode().count('"target"') == 1000
    assert pauses >= spent / 0.01


async def asked_and_gone(here: Site, path: str) -> None:
    """Sends a request, and resets the connection."""
    _, writer = await here.raw()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {here.host}\r\n\r\n".encode())
    await writer.drain()
    await asyncio.sleep(0.005)
    writer.transport.abort()


@pytest.mark.slow
async def test_greedy_clients() -> None:
    """A client that sends many requests at a time, whatever their answers cost, delays only itself;
    a request for which its client no longer waits is not answered."""
    async with site() as here:
        for number in range(1000):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        paths = [f"/api/v1/probes?limit=1000&x={number}" for number in range(100)]
        for path in paths[:50]:
            await asked_and_gone(here, path)
        greedy = [asyncio.create_task(here.get(path)) for path in paths[50:]]
        await asyncio.sleep(0.1)
        modest = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with aiohttp.ClientSession(connector=modest) as http:
            url = f"http://{here.host}:{here.port}/api/v1/maintenance"
            async with http.get(url) as answer:
                assert answer.status == 200
        assert sum(one.done() for one in greedy) < 40
        for one in greedy:
            one.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)


def test_large_mailboxes() -> None:
    """A mailbox with 100,000 other messages does not delay other work: mailtrip reads a POP3
    listing in slices of a few milliseconds, and later looks only at what has changed, as in a
    Maildir."""
    lines = b"".join(b"%d unique%d\r\n" % (number, number) for number in range(1, 100_001))
    listing = Listing()
    _, pauses = with_pauses(listing.update(lines))
    assert pauses >= 200
    changes, pauses = with_pauses(listing.update(lines + b"100001 new\r\n"))
    assert (changes.added, pauses) == (["new"], 0)
    names = frozenset(f"{number}.M1P1.host:2,S" for number in range(100_000))
    before = DirectoryListing((), 0, 0, 0, names).compared_with(None)
    after = DirectoryListing((), 0, 0, 0, names | {"new"}).compared_with(before)
    assert (after.appeared, after.vanished) == (frozenset({"new"}), frozenset[str]())
    assert len(after.files) == 100_001


class Counting(asyncio.Protocol):
    """Notes how much comes at once."""

    def __init__(self, pieces: list[int], over: asyncio.Event) -> None:
        self._pieces, self._over = pieces, over

    def data_received(self, data: bytes) -> None:
        self._pieces.append(len(data))

    def connection_lost(self, error: Exception | None) -> None:
        self._over.set()


async def test_much_at_once() -> None:
    """At most 32 KiB of an HTTP client's data are read at a time."""
    pieces, over = list[int](), asyncio.Event()
    server = await listen(Listen("127.0.0.1:0"), lambda: Counting(pieces, over))
    with contextlib.closing(socket.create_connection(server.sockets[0].getsockname())) as client:
        client.setblocking(False)
        while sum(pieces) < 1 << 20:
            with contextlib.suppress(BlockingIOError):
                while client.send(b"1\r\nx\r\n" * 1000):
                    pass
            await asyncio.sleep(0.001)
    await over.wait()
    server.close()
    assert max(pieces) <= 2 * AT_ONCE


class Prepared(NamesServer):
    """Has its answers ready, so that only we compute."""

    def __init__(self, answer: dns.message.Message) -> None:
        super().__init__(lambda name, kind: [], truncate=True)
        self.wire = answer.to_wire(max_size=65535)

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        writer.write(len(self.wire).to_bytes(2) + query[:2] + self.wire[2:])
        writer.close()


@pytest.mark.parametrize("way", ["query", "addresses"])
async def test_long_answers_of_name_servers(way: str) -> None:
    """Long DNS answers are parsed in a thread, and at most 1,000 records of one answer are
    used."""
    assert MOST_RECORDS == 1000
    answer = dns.message.make_response(dns.message.make_query("mx.example.org.", "A"))
    records = [f"192.0.{n // 250}.{n % 250}" for n in range(3900)]
    answer.answer = [dns.rrset.from_text_list("mx.example.org.", 60, "IN", "A", records)]
    prepared = Prepared(answer)
    for _ in range(2):  # the first time it imports
        began = time.thread_time()
        dns.message.from_wire(prepared.wire)
        cost = time.thread_time() - began
    async with names_server(prepared) as server:
        resolver = Resolver([server.address], 20)
        ticker = Ticker()
        if way == "query":
            said = await DnsQueries(resolver, Clock()).query("mx.example.org", "A")
            assert (said.result, len(said.records)) == (DnsResult.RECORDS, 1000)
        else:
            assert len(await resolver.addresses("mx.example.org", "4")) == 1000
        await asyncio.sleep(0)
        ticker.stop()
    assert ticker.longest < cost / 2
