"""Servers of the lab's own: how one leaves a process in the background."""

import asyncio
import os
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.lab.rundir import RunDirectory

ClientHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers clients at a socket."""

    handler: ClientHandler
    socket: socket.socket
    tls: ssl.SSLContext | None = None


def log(*words: object) -> None:
    print(time.strftime("%FT%T"), *words, flush=True)


def listen(ip: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    server = socket.socket(socket.AF_INET, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((ip, port))
    if kind == socket.SOCK_STREAM:
        server.listen(512)
    return server


async def serve(services: list[Service]) -> None:
    for one in services:
        await asyncio.start_server(one.handler, sock=one.socket, limit=1 << 20, ssl=one.tls)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    log("ready")
    await stop.wait()
    log("stopped")
    os._exit(0)  # does not wait for deliveries under way


def go_to_background(rundir: RunDirectory, name: str) -> None:
    """Leaves a child that leads its own session, logs to a file, and has its pid written down."""
    if os.fork():
        os._exit(0)
    os.setsid()
    output = os.open(
        rundir.path("log", f"{name}.log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644
    )
    os.dup2(output, 1)
    os.dup2(output, 2)
    rundir.path("pid", f"{name}.pid").write_text(f"{os.getpid()}\n")
