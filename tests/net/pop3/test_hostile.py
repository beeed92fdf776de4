"""A hostile POP3 server: whatever it lists, everybody else has their turns, and there is an end to
it."""

import asyncio
from itertools import islice

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.pop3.connection import converse
from exporter.net.pop3.listing import Listing
from exporter.net.pop3.reply import LONGEST, UniqueIds, lines_in
from exporter.net.tcp import connect
from tests.support.imap_attacker import Ticker

GENEROUS = 0.5  # seconds; it is milliseconds on a machine that has nothing else to do
LISTINGS = {
    "empty lines": (b"\r\n" * 3_000_000, "more than 200,000 messages"),
    "carriage returns": (b"\r" * 7_000_000 + b"\r\n", ""),
    "one line": (b"1 " * 3_500_000 + b"\r\n", ""),
    "long lines": ((b"1 " + b"a" * 65_000 + b"\r\n") * 100, ""),
    "dots": (b"..\r\n" * 1_500_000, "more than 200,000 messages"),
    "many messages": (b"".join(b"%d u%d\r\n" % (n, n) for n in range(100_000)), ""),
    "too much": (b"1 a\r\n" * 2_000_000, "more than 8192 KiB for UIDL"),
}


@pytest.mark.parametrize("name", LISTINGS)
async def test_no_listing_keeps_others_from_their_turns(name: str) -> None:
    listing, complaint = LISTINGS[name]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"+OK\r\n")
            await reader.readline()
            for start in range(0, len(listing), 1 << 18):
                writer.write((b"" if start else b"+OK\r\n") + listing[start : start + (1 << 18)])
                await writer.drain()
            writer.write(b".\r\n")
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        pop3 = await converse(await connect([host], port), "pop.test", Run(Clock()).note)
        await pop3.greeting()
        ticker = Ticker()
        try:
            await pop3.uidl(Listing())
            assert not complaint
        except ProbeError as error:
            assert error.reason is Reason.PROTOCOL
            assert complaint in error.detail
        finally:
            ticker.stop()
            pop3.abort()
            await pop3.closed()
    assert ticker.longest < GENEROUS


def test_lines_are_cut_off_one_by_one() -> None:
    assert list(islice(lines_in(b"1 a\r\n2 b\n" + b"\r\n" * 1_000_000), 3)) == [b"1 a", b"2 b", b""]
    assert [len(line) for line in lines_in(b"1 " + b"a" * 10_000 + b"\r\n2 b")] == [LONGEST, 3]
    assert list(lines_in(b"")) == []


def test_what_stands_behind_an_id_counts_only_if_the_id_is_not_unique() -> None:
    ids = UniqueIds()
    for line in (b"1 a x", b"2 a y", b"3 b z"):
        ids.add(line)
    assert [*ids.found()] == [(1, "a x"), (2, "a y"), (3, "b z")]
