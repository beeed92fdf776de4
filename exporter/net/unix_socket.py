"""Connections to Unix sockets of this machine."""

import os
import socket

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.net.exceptions import map_exceptions


def dial_socket(path: str, trace: Trace) -> socket.socket:
    """A connected socket, in the step `connect`. Raises ProbeError (connect)."""
    with (
        trace.step(Step.CONNECT, path),
        map_exceptions(
            {
                OSError: lambda error: ProbeError(
                    Reason.CONNECT,
                    f"cannot connect to the socket {path}: {os.strerror(error.errno or 0).lower()}",
                )
            }
        ),
    ):
        connected = _connected(path)
    trace.note(f"-- connected to {path}")
    return connected


def _connected(path: str) -> socket.socket:
    """Never waits: if too many clients wait for the server, Linux refuses (EAGAIN)."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        connected.connect(path)
    except BaseException:
        connected.close()
        raise
    return connected
