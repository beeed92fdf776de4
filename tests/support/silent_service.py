"""A service whose answers a test writes, and which then says and hears nothing more: it ends
neither the connection nor TLS."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class SilentService:
    """Takes one client, reads `reads` times from it, answers after the first (or at once), and
    falls silent. Without `tls`, clients that want it wait for the handshake."""

    def __init__(self, tls: ssl.SSLContext | None, answer: bytes = b"", reads: int = 1) -> None:
        self.asked = threading.Event()
        self.silent = threading.Event()  # from now on
        self._tls = tls
        self._answer = answer
        self._reads = reads
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(30)
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._listening, suppress(OSError), self._connection() as connection:
            for number in range(max(self._reads, 1)):
                if self._reads:
                    connection.recv(1 << 16)
                self.asked.set()
                if number == 0:
                    connection.sendall(self._answer)
            self.silent.set()
            self._over.wait(60)

    def _connection(self) -> socket.socket:
        connection, _ = self._listening.accept()
        connection.settimeout(30)
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def clients(self) -> int:
        """How many sockets are connected to it, and belong to a process."""
        here = f"0100007F:{self.port:04X}"  # 127.0.0.1
        rows = map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        return sum(row[2] == here and row[9] != "0" for row in rows)

    def end(self) -> None:
        """Ends what it has open."""
        self._over.set()
        if not self.asked.is_set():  # it may wait for a client that will not come
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join()


@contextmanager
def silent_service(
    tls: ssl.SSLContext | None, answer: bytes = b"", reads: int = 1
) -> Iterator[SilentService]:
    service = SilentService(tls, answer, reads)
    try:
        yield service
    finally:
        service.end()


async def cancelled(use: Awaitable[None], service: SilentService, after: float = 0.0) -> None:
    """So many seconds after the service has fallen silent."""
    asking = asyncio.ensure_future(use)
    assert await asyncio.to_thread(service.silent.wait, 30)
    await asyncio.sleep(after)
    assert service.clients() == 1
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
