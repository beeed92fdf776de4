"""Proxies: real ones of Debian, and one that says what a test tells it to."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.ports import free_port

USER, PASSWORD = "monitor", "proxy-horse-battery"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def first_address(name: str) -> str:
    """The address of a name that microsocks connects to: it tries no other."""
    return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])


@contextmanager
def microsocks(login: bool = False) -> Iterator[str]:
    """A SOCKS5 proxy; returns its place, HOST:PORT."""
    port = free_port()
    options = ["-u", USER, "-P", PASSWORD] if login else []
    command = ["microsocks", "-i", "127.0.0.1", "-p", str(port), *options]
    with _running(command, port) as place:
        yield place


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[str]:
    """An HTTP proxy with these lines in its configuration; returns its place, HOST:PORT."""
    port = free_port()
    file = folder / f"tinyproxy-{port}.conf"
    fixed = (f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "LogLevel Error")
    file.write_text("\n".join((*fixed, *lines, "")))
    with _running(["tinyproxy", "-d", "-c", str(file)], port) as place:
        yield place


@contextmanager
def _running(command: list[str], port: int) -> Iterator[str]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(process, port)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    while process.poll() is None:
        with socket.socket() as one:
            one.settimeout(0.05)
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError(f"the proxy ended with {process.returncode}")


@asynccontextmanager
async def scripted(answer: Answer) -> AsyncIterator[str]:
    """A proxy that does this with each client; returns its place, HOST:PORT."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
