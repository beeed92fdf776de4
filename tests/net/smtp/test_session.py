"""Every file in `dialogues` is a conversation. `S:` what the server says, `C:` what it must hear (a
pattern), `--` what happens to the connection, `->` what the sender has to make of it: place,
reason, code."""

import asyncio
import re
import socket
import struct
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from exporter.core.model import ProbeError, Reply
from exporter.core.phases import Phase
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.composition import compose
from exporter.mail.tokens import Mint
from exporter.net.dns.resolver import Resolver
from exporter.net.smtp.session import session
from exporter.senders.kind import Sender
from exporter.senders.smtp import SmtpOptions
from tests.support.fast_forward import fast_forward
from tests.support.sender_rig import means

DIALOGUES = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))
PATIENCE = 0.5  # seconds; only dialogues with silence wait for it
MESSAGE = compose(Mint(b"k" * 32).mint(0), "probe@example.org", "someone@example.com", 0)


class Peer:
    """Plays the server's part of a dialogue, and notes where the client left the script."""

    def __init__(self, script: list[str]) -> None:
        self.script = script
        self.surprise: str | None = None
        self.finished = asyncio.Event()

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for line in self.script:
                kind, _, words = line.partition(" ")
                if kind == "S:":
                    writer.write(words.encode() + b"\r\n")
                elif kind == "C:":
                    await self.expect(words, reader)
                else:
                    await self.disturb(words, reader, writer)
            with suppress(ConnectionError):
                if rest := await reader.read():
                    self.surprise = f"the client went on: {rest!r}"
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.finished.set()

    async def expect(self, pattern: str, reader: asyncio.StreamReader) -> None:
        end = b"\r\n.\r\n" if pattern == r".*\." else b"\r\n"
        heard = (await reader.readuntil(end)).decode().strip()
        if not re.fullmatch(pattern, heard, re.DOTALL):
            self.surprise = f"the client said {heard!r}, not {pattern!r}"

    async def disturb(
        self, what: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if what == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if what in ("reset", "close"):
            writer.close()
        elif what == "endless":
            with suppress(ConnectionError):
                while True:
                    writer.write(b"250-and another line\r\n" * 100)
                    await writer.drain()
        elif what == "silence":
            with suppress(ConnectionError):
                await reader.read()
        elif what == "hear anything":
            await reader.read(65536)


@pytest.mark.parametrize("file", DIALOGUES, ids=lambda file: file.stem)
@fast_forward
async def test_dialogue(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    options = (
        yaml.safe_load(lines.pop(0).partition(":")[2])
        if lines[0].startswith("options:")
        else {"tls": "none"}
    )
    expected = lines.pop().removeprefix("-> ").split()
    peer = Peer(lines)
    server = await asyncio.start_server(peer.play, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    how = SmtpOptions(host="127.0.0.1", port=port, ehlo_name="probe.example.org", **options)
    run = Run(Clock(), session_timeout=PATIENCE)
    sender = how.sender("target", means(Resolver(["127.0.0.1:1"])))
    async with server:
        assert await verdict(sender, run) == expected
        # The peer has noticed that the client is gone.
        await asyncio.wait_for(peer.finished.wait(), 10)
    assert peer.surprise is None
    transcript = " ".join(run.transcript)
    assert not any(word in transcript for word in ("s3same", "AG1lAHMzc2FtZQ==", "czNzYW1l"))


async def verdict(sender: Sender, run: Run) -> list[str]:
    """In the words of the last line of a dialogue."""
    try:
        async with run.phase(Phase.SEND):
            await sender.send(MESSAGE, run)
    except ProbeError as error:
        failure = run.failure(error)
        assert run.accepted is None
        words = [
            f"{failure.phase}/{failure.step}",
            failure.reason,
            failure.code,
            "uncertain" if run.uncertain else "",
        ]
        return [word for word in words if word]
    assert run.accepted is not None
    (reply,) = (fact for fact in run.facts if isinstance(fact, Reply))
    return ["accepted", str(reply.code)]


async def test_a_session_that_is_over_is_freed_at_once_and_its_trip_with_it() -> None:
    """Otherwise hundreds of trips with their transcripts wait for the garbage collector, and hold
    up the event loop when it comes."""
    run = Run(Clock())
    with session("mx.example.org", run) as conversation:
        there, trip = weakref.ref(conversation), weakref.ref(run)
    del conversation, run
    assert there() is None
    assert trip() is None
