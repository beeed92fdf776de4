"""Ports for servers that are started later. No two processes of tests choose the same, nor does the
kernel choose one.

A port that was bound to 0 and closed is the next client's, or the next test's in another process.
"""

import atexit
import itertools
import socket

FIRST, SLICE, SLICES = 20000, 100, 120
"""Below Linux's ephemeral ports (32768 and up)."""


def _own_slice() -> tuple[socket.socket, int]:
    """An abstract Unix socket stands for a slice, and goes with the process."""
    for number in range(SLICES):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0mailtrip-tests.support.ports-{number}")
        except OSError:
            lock.close()
        else:
            return lock, FIRST + SLICE * number
    raise RuntimeError(f"{SLICES} processes of tests have all ports")


_LOCK, _FIRST = _own_slice()
atexit.register(_LOCK.close)  # Python warns of a socket that is open at exit
_PORTS = itertools.cycle(range(_FIRST, _FIRST + SLICE))


def free_port() -> int:
    """A port that is free on every IPv4 address of this machine, and not given away again soon."""
    for port in itertools.islice(_PORTS, SLICE):
        with socket.socket() as probe:
            # As servers do, so that a connection that has ended (TIME_WAIT) does not hold it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError("all ports of this process are in use")
