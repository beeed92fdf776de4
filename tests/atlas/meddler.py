"""Stands between mailtrip and a real server, hears every line that either says, and does at some of
them as it is told.

It lives in the event loop, since many rows of the atlas run in one.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

ALWAYS = 1 << 30


@dataclass
class Rule:
    """What is done when `by` says a line in which `word`, a regular expression, is found; at most
    `times` times."""

    word: str
    act: Literal["freeze", "cut", "answer", "add", "say"]
    by: Literal["client", "server"] = "client"
    # what the client hears instead, with the groups of the word; after `say` the connection ends,
    # `add` goes on
    answer: str = ""
    times: int = ALWAYS
    met: int = 0


def freeze(word: str, by: Literal["client", "server"] = "client") -> Rule:
    """From there on neither hears the other. The connection stays open."""
    return Rule(word, "freeze", by)


def cut(word: str, by: Literal["client", "server"] = "client", times: int = ALWAYS) -> Rule:
    """The connection ends."""
    return Rule(word, "cut", by, times=times)


def answer(word: str, words: str, times: int = ALWAYS) -> Rule:
    """The client's line does not reach the server; the meddler answers it."""
    return Rule(word, "answer", "client", words, times)


class Meddler:
    """See `meddling`."""

    def __init__(self, server: tuple[str, int], rules: Sequence[Rule]) -> None:
        self.port = 0
        self.connections = 0
        self.listener: asyncio.Server
        self.rules = list(rules)
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()

    def say(self, words: str) -> None:
        """Says something to all who are connected, as if the server had."""
        for writer in self._clients:
            writer.write(f"{words}\r\n".encode())

    def cut(self) -> None:
        """Ends all connections."""
        for writer in self._clients:
            writer.close()

    def close(self) -> None:
        """Ends all connections, and takes no others."""
        self.listener.close()
        self.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError):
                await self._pass_on(reader, writer)
        except asyncio.CancelledError:
            pass  # the row is over
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._server)
        self._clients.add(writer)
        ways = [
            asyncio.create_task(self._hear("client", reader, server_writer, writer)),
            asyncio.create_task(self._hear("server", server_reader, writer, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.discard(writer)
            server_writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _hear(
        self,
        who: str,
        reader: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(1 << 16):
            for line in data.splitlines(
                keepends=True
            ):  # what is no text is in pieces that no rule fits
                if not await self._one_line(who, line, sink, client):
                    return

    async def _one_line(
        self, who: str, line: bytes, sink: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> bool:
        """Passes a line on, or does what a rule says. False if the connection is over."""
        rule = next((one for one in self.rules if one.by == who and _fits(one, line)), None)
        if rule is None or rule.act == "add":
            sink.write(line + (f"{rule.answer}\r\n".encode() if rule else b""))
            await sink.drain()
            return True
        rule.met += 1
        if rule.act == "freeze":
            await asyncio.get_running_loop().create_future()
        if rule.answer:
            match = re.search(rule.word, line.decode("latin1").strip())
            assert match
            client.write(f"{match.expand(rule.answer)}\r\n".encode())
        if rule.act == "answer":
            return True
        client.close()
        return False

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _fits(rule: Rule, line: bytes) -> bool:
    return rule.met < rule.times and re.search(rule.word, line.decode("latin1").strip()) is not None


@asynccontextmanager
async def meddling(server: tuple[str, int], *rules: Rule) -> AsyncIterator[Meddler]:
    """A meddler before this server, on a port of its own of 127.0.0.1."""
    one = Meddler(server, rules)
    one.listener = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = one.listener.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        one.listener.close()
        await one.end()
        await one.listener.wait_closed()
