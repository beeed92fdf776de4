"""An IMAP server that says the same thing to every command, however much it is; and who else wants
a turn meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.imap.connection import ImapConnection, converse
from exporter.net.tcp import connect

GREETING = b"* OK [CAPABILITY IMAP4rev1] x\r\n"


class Ticker:
    """Counts the turns that others have, and the longest time of the processor that they wait for
    one."""

    def __init__(self) -> None:
        self.turns, self.longest = 0, 0.0
        self._task = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.turns, self.longest, before = self.turns + 1, max(self.longest, now - before), now

    def stop(self) -> None:
        self._task.cancel()


@asynccontextmanager
async def attacked(attack: bytes) -> AsyncIterator[ImapConnection]:
    """Connected to a server that says this to every command."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(GREETING)
            while line := await reader.readline():
                for start in range(0, len(attack), 1 << 18):
                    writer.write(attack[start : start + (1 << 18)])
                    await writer.drain()
                writer.write(line.split()[0] + b" OK\r\n")
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        run = Run(Clock())
        imap = await converse(await connect([host], port), "imap.test", run.now, run.note)
        try:
            yield imap
        finally:
            imap.abort()
            await imap.closed()
