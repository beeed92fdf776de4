"""The listeners of the HTTP server: TCP addresses, Unix sockets and sockets of systemd."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from exporter.config.types import Listen
from exporter.net.listening import listen_error

BACKLOG = 512
# Bytes that are read of a client in one go, or twice as many; no client needs more.
AT_ONCE = 16 << 10
_FIRST = 3  # the first descriptor that systemd hands over: sd_listen_fds(3)


class CannotListen(Exception):
    """An address that cannot be listened on. The message names it."""


class UnixPath(str):
    """A socket in the file system, for a local proxy. Its directory, or the umask, controls
    access."""

    __slots__ = ()


class PrivatePath(UnixPath):
    """A socket in the file system to which only this user and root may connect."""

    __slots__ = ()


Listener = Listen | UnixPath | socket.socket


def parse_listener(text: str) -> Listener:
    """HOST:PORT, unix:PATH or unix://PATH. Raises ValueError."""
    scheme, colon, rest = text.partition(":")
    if scheme != "unix" or not colon:
        return Listen(text)
    path = rest.removeprefix("//")
    # Unix(7): sun_path.
    if not path.strip("/") or path.endswith("/") or len(os.fsencode(path)) > 107:
        raise ValueError(
            "not a path of a socket; write unix:/run/mailtrip/web.sock, of at most 107 bytes"
        )
    return UnixPath(path)


def systemd_sockets() -> list[Listener]:
    """The sockets passed by systemd, see sd_listen_fds(3). Raises CannotListen if there are
    none."""
    ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    number = os.environ.pop("LISTEN_FDS", "")  # not for the programs that we call
    os.environ.pop("LISTEN_FDNAMES", None)
    if not ours or not number.isdecimal() or not int(number):
        hint = "start mailtrip through its .socket unit, or without --web.systemd-socket"
        raise CannotListen(f"systemd passed no socket: {hint}")
    listeners: list[Listener] = []
    for descriptor in range(_FIRST, _FIRST + int(number)):
        try:
            os.set_inheritable(descriptor, False)
            given = socket.socket(fileno=descriptor)
            listens = given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError as error:
            raise CannotListen(f"descriptor {descriptor} of systemd: {error.strerror}") from None
        if given.type != socket.SOCK_STREAM or not listens:
            raise CannotListen(
                f"descriptor {descriptor} of systemd: write ListenStream= and Accept=no in the"
                " .socket unit"
            )
        listeners.append(given)
    return listeners


async def listen(listener: Listener, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Starts a server on this listener. Raises CannotListen."""
    try:
        server = await _server(listener, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotListen(listen_error(str(listener), error)) from None
    for opened in server.sockets:
        with suppress(OSError):
            # Its connections inherit it.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, AT_ONCE)
    return server


async def _server(listener: Listener, protocol: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if isinstance(listener, UnixPath):
        await asyncio.to_thread(_require_free, listener)
        if isinstance(listener, PrivatePath):
            return await loop.create_unix_server(protocol, sock=_private(listener), backlog=BACKLOG)
        return await loop.create_unix_server(protocol, listener, backlog=BACKLOG)
    if isinstance(listener, Listen):
        return await loop.create_server(
            protocol, listener.host or None, listener.port, backlog=BACKLOG
        )
    make = loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
    return await make(protocol, sock=listener, backlog=BACKLOG)


def _private(path: PrivatePath) -> socket.socket:
    """A socket that other users could not connect to at any time. Raises OSError."""
    bound, umask = socket.socket(socket.AF_UNIX), os.umask(0o177)
    try:
        remove_socket_file(path)  # of a killed process: no other answers there
        bound.bind(path)
    except BaseException:
        bound.close()
        raise
    finally:
        os.umask(umask)
    return bound


def remove_socket_file(listener: Listener) -> None:
    """Removes the file of a closed Unix socket; does nothing for other listeners."""
    if isinstance(listener, UnixPath):
        with suppress(OSError):
            Path(listener).unlink()


def _require_free(path: UnixPath) -> None:
    """Raises CannotListen if a process answers on the socket. A socket left by a killed process is
    reused."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except TimeoutError:
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
