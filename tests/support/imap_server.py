"""A scripted IMAP server: plays a dialogue, which is a text file in `tests/net/imap/dialogues`,
over a real socket.

    # a comment: which promise, bug or RFC clause this is about
    S: * OK ready           the server says this line
    C: $ NOOP               the client has to say exactly this; $ is its tag, whatever that is
                            (a byte that is no UTF-8 is written as \\xe4)
    S: $ OK                 the tag again
    S> * 1 FET              the server says this, without a line end
    S 1500: * # FETCH ()    the server says this 1500 times in one go, with # counting from 1
    S 1500> and so on       the same, without a line end
    [tls]                   the TLS handshake
    [any bytes]             the client says something, whatever it is
    [here]                  tells the test that the dialogue has come this far
    [go on]                 waits until the test says so
    [close] [reset]         the server ends the connection, with a FIN or with an RST
    [may hang up]           from here on it does not matter when and how the client goes
    [next connection]       what follows is for the next client

At its end the dialogue waits until the client has closed the connection.
"""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

DIALOGUES = Path(__file__).resolve().parents[1] / "net/imap/dialogues"
_COUNTED = re.compile(r"S (\d+)([:>]) (.*)")


class PlayedServer:
    """The server, as a test sees it."""

    def __init__(self, dialogue: str, tls: ssl.SSLContext | None) -> None:
        self.host, self.port = "127.0.0.1", 0
        self.here, self.go_on = asyncio.Event(), asyncio.Event()
        self.mistakes: list[str] = []  # where a client left the dialogue
        self._turns = iter(
            [part.strip("\n").split("\n") for part in dialogue.split("[next connection]")]
        )
        self._tls = tls
        self._served: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._served.add(task)
        try:
            await _Dialogue(self, self._tls, reader, writer).play(
                next(self._turns, ["nobody expected this client"])
            )
        except AssertionError as mistake:
            self.mistakes.append(str(mistake))
        finally:
            writer.transport.abort()
            self._served.discard(task)

    async def finished(self) -> None:
        """Returns when all clients have gone. The dialogue must have come to its end."""
        while self._served:
            await asyncio.wait(self._served)
        assert not self.mistakes, self.mistakes
        assert not list(self._turns), "not all clients of the dialogue have come"

    def dismiss(self) -> None:
        for task in self._served:
            task.cancel()


class _Dialogue:
    """The part of one client."""

    def __init__(
        self,
        peer: PlayedServer,
        tls: ssl.SSLContext | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._peer, self._tls, self._reader, self._writer = peer, tls, reader, writer
        self._tag = ""
        self._may_hang_up = False

    async def play(self, lines: list[str]) -> None:
        try:
            for line in lines:
                await self._line(line)
            if not self._writer.is_closing():
                await self._writer.drain()
                rest = await self._reader.read()
                assert self._may_hang_up or not rest, f"the client went on with {rest!r}"
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError) as error:
            assert self._may_hang_up, f"{type(error).__name__} at {line}"

    async def _line(self, line: str) -> None:
        if line.startswith("C:"):
            said = (
                (await self._reader.readuntil(b"\n"))
                .decode("utf-8", "backslashreplace")
                .rstrip("\r\n")
            )
            wanted = line[3:]
            if wanted.startswith("$"):
                self._tag = said.partition(" ")[0]
                wanted = wanted.replace("$", self._tag, 1)
            assert said == wanted, f"the client said {said!r} and not {line[3:]!r}"
        elif line.startswith("S:"):
            self._writer.write(re.sub(r"^\$", self._tag, line[3:]).encode() + b"\r\n")
        elif line.startswith("S>"):
            self._writer.write(line[3:].encode())
        elif counted := _COUNTED.fullmatch(line):
            one = counted[3] + ("\r\n" if counted[2] == ":" else "")
            said = "".join(one.replace("#", str(n + 1)) for n in range(int(counted[1])))
            self._writer.write(said.encode())
        elif line and not line.startswith("#"):
            await self._writer.drain()
            await self._do(line)

    async def _do(self, line: str) -> None:
        if line == "[tls]":
            assert self._tls
            await self._writer.start_tls(self._tls)
        elif line == "[any bytes]":
            assert await self._reader.read(65536), "the client said nothing"
        elif line == "[here]":
            self._peer.here.set()
        elif line == "[go on]":
            await self._peer.go_on.wait()
        elif line == "[may hang up]":
            self._may_hang_up = True
        elif line == "[close]":
            self._writer.close()
        elif line == "[reset]":
            raw: socket.socket = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            raise AssertionError(f"this is no line of a dialogue: {line}")


@asynccontextmanager
async def playing(dialogue: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[PlayedServer]:
    """A server that plays this dialogue, the text itself or the name of a file. In the end it must
    have been played."""
    text = (
        dialogue
        if "\n" in dialogue
        else (DIALOGUES / f"{dialogue}.txt").read_text(encoding="utf-8")
    )
    peer = PlayedServer(text, tls)
    server = await asyncio.start_server(peer.serve, peer.host, 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
        await peer.finished()
    finally:
        server.close()
        peer.dismiss()
        await server.wait_closed()
