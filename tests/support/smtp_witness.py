"""An SMTP server that takes every message byte by byte, notes what it hears, and misbehaves at any
stage."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from itertools import repeat
from typing import Protocol

from tests.support.left_behind import until

BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
"""A line end that is none (RFC 5321 section 2.3.8)."""

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 52428800")


class Stage(StrEnum):
    """What the client has just done when the server answers."""

    GREETING = "greeting"  # connected
    EHLO = "ehlo"
    AUTH = "auth"
    STARTTLS = "starttls"
    TLS = "tls"  # the server is ready for a handshake
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the command
    DOT = "dot"  # the message, and the final dot
    QUIT = "quit"


class CommandResult(Enum):
    """What became of a command."""

    GOOD = auto()
    BAD = auto()
    OVER = auto()  # there is nobody to talk to any more


COMMANDS = {
    "EHLO": Stage.EHLO,
    "LHLO": Stage.EHLO,  # RFC 2033
    "AUTH": Stage.AUTH,
    "STAR": Stage.STARTTLS,
    "MAIL": Stage.MAIL,
    "RCPT": Stage.RCPT,
    "DATA": Stage.DATA,
    "QUIT": Stage.QUIT,
}
CHALLENGES = {
    "LOGIN": ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"),
    "CRAM-MD5": ("PDE3MjlAd2l0bmVzcy50ZXN0Pg==",),
}
GOOD = {
    Stage.GREETING: "220 witness.test ESMTP",
    Stage.AUTH: "235 2.7.0 Welcome",
    Stage.STARTTLS: "220 2.0.0 Go ahead",
    Stage.MAIL: "250 2.1.0 Ok",
    Stage.RCPT: "250 2.1.5 Ok",
    Stage.DATA: "354 go on",
    Stage.DOT: "250 2.0.0 Ok: taken",
    Stage.QUIT: "221 2.0.0 Bye",
}


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a witness has taken."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


@dataclass(slots=True)
class Line:
    """The conversation with one client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    client: str
    commands: list[str] = field(default_factory=list)
    wire: bytearray = field(default_factory=bytearray)

    async def read_until(self, separator: bytes) -> bytes:
        data = await self.reader.readuntil(separator)
        self.wire += data
        return data

    def say(self, *words: str) -> None:
        self.writer.write("".join(f"{word}\r\n" for word in words).encode(errors="surrogateescape"))


class Act(Protocol):
    """What a server does instead of answering well."""

    async def on(self, line: Line) -> bool:
        """Does it, and says whether the good answer follows."""


@dataclass(frozen=True)
class Reply:
    """Another answer; the conversation goes on, unless it is 421."""

    words: str

    async def on(self, line: Line) -> bool:
        line.say(self.words)
        if self.words.startswith("421"):
            line.writer.close()
        return False


@dataclass(frozen=True)
class Encrypted(Reply):
    """A handshake that works; the conversation goes on inside TLS."""

    words: str = ""
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    async def on(self, line: Line) -> bool:
        await line.writer.start_tls(self.context)
        return False


class Freeze:
    """Nothing more is said."""

    async def on(self, line: Line) -> bool:
        with suppress(ConnectionError):
            while await line.reader.read(65536):
                pass
        return False


class Drip:
    """An answer that never ends, too slow to be too long."""

    async def on(self, line: Line) -> bool:
        with suppress(ConnectionError):
            while not line.reader.at_eof():
                line.say("250-and")
                await line.writer.drain()
                await asyncio.sleep(0.1)
        return False


@dataclass(frozen=True)
class Cut:
    """The connection ends, politely or with a reset."""

    reset: bool = False

    async def on(self, line: Line) -> bool:
        if self.reset:
            linger = struct.pack("ii", 1, 0)
            line.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
        line.writer.close()
        return False


class Wait:
    """The good answer, when the test lets go; `clients` of them must have come this far."""

    def __init__(self, clients: int = 1) -> None:
        self._missing = clients
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def on(self, line: Line) -> bool:
        self._missing -= 1
        if not self._missing:
            self._reached.set()
        released = asyncio.ensure_future(self._released.wait())
        gone = asyncio.ensure_future(Freeze().on(line))
        try:
            await asyncio.wait([released, gone], return_when=asyncio.FIRST_COMPLETED)
            return released.done()
        finally:
            released.cancel()
            gone.cancel()
            await asyncio.gather(released, gone, return_exceptions=True)

    async def reached(self) -> None:
        await self._reached.wait()

    def release(self) -> None:
        self._released.set()


class SmtpWitness:
    """See `witness`."""

    def __init__(self, offers: Iterable[str]) -> None:
        self.offers = tuple(offers)
        self.port = 0
        self.received: list[Received] = []
        self.lines: list[Line] = []
        self._ended = 0
        self._acts: dict[Stage, Iterator[Act | None]] = {}

    def act(self, stage: Stage, *acts: Act | None) -> None:
        """What it does when clients reach the stage: once each, None being the good answer."""
        self._acts[stage] = iter(acts)

    def always(self, stage: Stage, act: Act) -> None:
        self._acts[stage] = repeat(act)

    def behave(self) -> None:
        self._acts.clear()

    @property
    def wire(self) -> bytes:
        """All that clients have said."""
        return b"".join(line.wire for line in self.lines)

    @property
    def commands(self) -> list[str]:
        return [command for line in self.lines for command in line.commands]

    async def ended(self) -> None:
        """Returns when no conversation goes on."""
        await until(lambda: self._ended == len(self.lines))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        line = Line(reader, writer, peer[0] if peer else "")  # empty: a Unix socket
        self.lines.append(line)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(line)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._ended += 1

    async def _converse(self, line: Line) -> None:
        envelope = list[str]()
        stage, verdict = Stage.GREETING, await self._answer(Stage.GREETING, line)
        while verdict is not CommandResult.OVER and stage is not Stage.QUIT:
            command = (await line.read_until(b"\r\n")).decode().strip()
            line.commands.append(command)
            stage = COMMANDS[command[:4].upper()]
            if stage in (Stage.MAIL, Stage.RCPT):
                envelope.append(command.partition("<")[2].partition(">")[0])
            elif stage is Stage.AUTH:
                await self._ask_for_password(command, line)
            verdict = await self._answer(stage, line)
            if stage is Stage.STARTTLS and verdict is CommandResult.GOOD:
                # It never works: a test has to say how.
                verdict = await self._answer(Stage.TLS, line)
            if stage is Stage.DATA and verdict is CommandResult.GOOD:
                raw = _unstuffed(await line.read_until(b"\r\n.\r\n"))
                self.received.append(Received(envelope[0], tuple(envelope[1:]), raw))
                verdict = await self._answer(Stage.DOT, line)

    async def _ask_for_password(self, command: str, line: Line) -> None:
        """Only PLAIN says all in one line."""
        for challenge in CHALLENGES.get(command.split()[1], ()):
            line.say(f"334 {challenge}")
            line.commands.append((await line.read_until(b"\r\n")).decode().strip())

    async def _answer(self, stage: Stage, line: Line) -> "CommandResult":
        act = next(self._acts.get(stage, iter(())), None)
        if act and not await act.on(line):
            over = not isinstance(act, Reply) or line.writer.is_closing()
            return CommandResult.OVER if over else CommandResult.BAD
        if stage is Stage.EHLO:
            line.say("250-witness.test", *(f"250-{offer}" for offer in self.offers), "250 HELP")
        else:
            line.say(GOOD[stage])
        await line.writer.drain()
        return CommandResult.GOOD


def _unstuffed(data: bytes) -> bytes:
    """RFC 5321 section 4.5.2, the receiver's half; the dots count only where a whole line end
    stands before them."""
    lines = b"\r\n" + data.removesuffix(b".\r\n")
    return lines.replace(b"\r\n.", b"\r\n").removeprefix(b"\r\n")


@asynccontextmanager
async def witness(
    address: str = "127.0.0.1", port: int = 0, offers: Iterable[str] = OFFERS
) -> AsyncIterator[SmtpWitness]:
    """A witness that listens."""
    one = SmtpWitness(offers)
    server = await asyncio.start_server(one.serve, address, port, limit=1 << 26)
    async with server:
        one.port = server.sockets[0].getsockname()[1]
        yield one
