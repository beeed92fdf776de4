"""An SMTP client for tests that says what it is told, byte by byte, and also nonsense."""

import asyncio
import contextlib
import socket
import ssl
from types import TracebackType
from typing import Self


class RawClient:
    """`async with RawClient(port) as client`: connected, and the greeting is read."""

    def __init__(
        self,
        port: int,
        *,
        source: str = "127.0.0.1",
        receive_buffer: int | None = None,
        first: bytes = b"",
    ) -> None:
        """`first` is said before the greeting, as proxies do."""
        self._first = first
        self.greeting = ""
        self._port = port
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.bind((source, 0))
        if receive_buffer:  # bytes that may wait until we read them; the system makes more of it
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self._port))
        self.reader, self.writer = await asyncio.open_connection(sock=self._socket, limit=1000)
        self.send(self._first)
        self.greeting = await self.reply()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)  # the transport closes its socket in the next round of the loop

    async def reply(self) -> str:
        """The next reply, all its lines; empty when the server has cut the connection."""
        lines = []
        with contextlib.suppress(ConnectionError):
            while line := await self.reader.readline():
                lines.append(line.decode())
                if line[3:4] != b"-":
                    break
        return "".join(lines).strip()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def command(self, command: str) -> str:
        self.send(command.encode(errors="surrogateescape") + b"\r\n")
        return await self.reply()

    async def dialogue(self, *commands: str) -> list[str]:
        return [await self.command(command) for command in commands]

    async def until_data(self, recipient: str = "monitor@mon.test") -> None:
        """Everything up to the point where the message itself is due."""
        replies = await self.dialogue(
            "EHLO test", "MAIL FROM:<a@lab.test>", f"RCPT TO:<{recipient}>", "DATA"
        )
        assert replies[-1].startswith("354"), replies

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Shakes hands, after the server has said that it is ready to."""
        await self.writer.start_tls(context, server_hostname=name)

    async def is_cut(self) -> bool:
        """Waits until the server has cut the connection. Whatever it says before that is
        dropped."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()
        return True


async def served_again(port: int) -> None:
    """The only place is free again, sooner or later."""
    while True:
        async with RawClient(port) as client:
            if client.greeting.startswith("220"):
                return
        await asyncio.sleep(0.01)
