"""An IMAP server with one message, which it shows as a test likes, and a trip that waits for that
message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.core.trace.run import Run
from exporter.mail.tokens import Mint
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.strays import Stray
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.net.dns.resolver import Resolver
from tests.support import fast_forward
from tests.support.watcher_rig import message

Shown = Callable[[int, bytes], bytes]
"""The FETCH responses for the n-th question about the message that a trip waits for."""

UID = 31


def fetched(raw: bytes, uid: int | None = UID) -> bytes:
    told = b"" if uid is None else b"UID %d " % uid
    return b"* 1 FETCH (%bBODY[]<0> {%d}\r\n%b)\r\n" % (told, len(raw), raw)


class Shower:
    """The server. `exists` is set when the message has come."""

    def __init__(self, shown: Shown, raw: bytes) -> None:
        self._shown, self._raw = shown, raw
        self._asked = 0
        self.exists = False
        self.expunged: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] ready\r\n")
            while line := await reader.readline():
                tag, command, *rest = line.strip().split(b" ", 2)
                writer.write(self._answer(command, b"".join(rest)) + tag + b" OK\r\n")
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    def _answer(self, command: bytes, rest: bytes) -> bytes:
        if command == b"SELECT":
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY 9]\r\n* OK [UIDNEXT %d]\r\n" % (
                self.exists,
                UID + self.exists,
            )
        if command == b"NOOP":
            return b"* 1 EXISTS\r\n" if self.exists and not self.expunged else b""
        if rest.startswith(b"EXPUNGE"):
            self.expunged.append(rest)
            return b"* 1 EXPUNGE\r\n"
        if command == b"UID" and rest.startswith(b"FETCH") and self.exists:
            if b"BODY" not in rest:
                return (
                    b"* 1 FETCH (UID %d)\r\n" % UID
                    if fetched(self._raw) in self._shown(99, self._raw)
                    else b""
                )
            self._asked += 1
            return self._shown(self._asked, self._raw)
        return b""


@asynccontextmanager
async def awaited(shown: Shown) -> AsyncIterator[tuple[Expectation, Shower, Run]]:
    """A trip whose message is in the mailbox."""
    mint, run = Mint(b"k" * 32), Run(fast_forward.clock(), session_timeout=5)
    token = mint.mint(0)
    server = Shower(shown, message(token))
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        options = ImapOptions(host=host, port=port, tls="none", folders=["INBOX"])
        watcher = Watcher("monitor", ImapMailbox(options, Resolver()), mint, run.clock, 5, _stray)
        try:
            with watcher.expect(token.trip, run) as expected:
                await expected.ready()
                server.exists = True
                run.accept()
                yield expected, server, run
        finally:
            await watcher.close()


async def _stray(stray: Stray) -> float:
    return 0.0
