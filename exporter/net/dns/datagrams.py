"""DNS queries over UDP, many at a time over few sockets, with the kernel's timestamps.

A socket per query costs as much as the rest of the query (measured with dnspython). So several
share one, which is connected to the server: the kernel drops datagrams from others, and reports a
closed port at once. It is soon replaced by another port, since RFC 5452 section 9.2 requires ports
that are hard to guess.
"""

import asyncio
import secrets
import socket
import struct
import sys
from dataclasses import dataclass

from exporter.core.timing.clock import Clock

MOST_QUESTIONS = 64  # over one socket
MAX_DATAGRAM = 65535
HEADER = 12  # bytes before the question (RFC 1035 section 4.1.1)
IS_RESPONSE = 0x80  # in the third byte
NOT_UNDERSTOOD = (1, 4)  # response codes FORMERR and NOTIMP, in the fourth byte
# Linux, asm-generic/socket.h: the kernel says when a datagram came. Python does not name it.
SO_TIMESTAMPNS = 35

Address = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """A datagram that answers a query. `took` is the time of the network and server, without our
    own queue."""

    wire: bytes
    took: float  # seconds


@dataclass(slots=True)
class _Pending:
    question: bytes
    sent: float
    future: "asyncio.Future[Reply]"


class Datagrams:
    """Queries one server. It has open sockets only while a query waits for its answer."""

    def __init__(self, server: Address, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._socket_in_use: _Socket | None = None

    async def query(self, query: bytes) -> Reply:
        """Sends a DNS query with a random id instead of its own, and waits without a timeout.
        Raises OSError.

        It accepts an answer with our id and question; the caller checks the rest.
        """
        if not self._socket_in_use or self._socket_in_use.is_spent:
            self._socket_in_use = _Socket(self._server, self._clock)
        return await self._socket_in_use.query(query)


class _Socket:
    """One socket, from its first query to its last answer."""

    def __init__(self, server: Address, clock: Clock) -> None:
        self.is_spent = False
        self._clock = clock
        self._sent = 0
        self._pending: dict[int, _Pending] = {}
        self._socket = socket.socket(
            socket.AF_INET6 if len(server) == 4 else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            self._socket.setblocking(False)
            if sys.platform == "linux":
                self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.connect(server)
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)

    async def query(self, query: bytes) -> Reply:
        self._sent += 1
        self.is_spent = self._sent >= MOST_QUESTIONS
        number = secrets.randbits(16)
        while number in self._pending:
            number = secrets.randbits(16)
        pending = _Pending(_question(query), self._clock.monotonic(), self._loop.create_future())
        self._pending[number] = pending
        try:
            self._socket.send(number.to_bytes(2) + query[2:])
            return await pending.future
        finally:
            del self._pending[number]
            if not self._pending:
                self._close()

    def _close(self) -> None:
        self.is_spent = True
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        """Reads all datagrams that have arrived: one left waiting would seem late."""
        while True:
            try:
                wire, ancillary, _, _ = self._socket.recvmsg(MAX_DATAGRAM, 64)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP message: port unreachable
                for pending in self._pending.values():
                    if not pending.future.done():
                        pending.future.set_exception(OSError(error.errno, error.strerror))
                return
            pending_one = self._pending.get(int.from_bytes(wire[:2]))
            if (
                pending_one
                and not pending_one.future.done()
                and _answers(wire, pending_one.question)
            ):
                elapsed = self._clock.monotonic() - pending_one.sent
                waited = self._clock.wall() - moment if (moment := _received_at(ancillary)) else 0.0
                # The wall clock may have been set.
                took = elapsed - waited if 0.0 <= waited <= elapsed else elapsed
                pending_one.future.set_result(Reply(wire, took))


def _question(wire: bytes) -> bytes:
    """The question section of a query with one question: the labels of the name, the type and the
    class."""
    end = HEADER
    while wire[end]:
        end += wire[end] + 1
    return wire[HEADER : end + 5].lower()


def _answers(wire: bytes, question: bytes) -> bool:
    """A server that did not understand the query may leave out the question."""
    if len(wire) < HEADER or not wire[2] & IS_RESPONSE:
        return False
    if len(wire) == HEADER and wire[3] & 0x0F in NOT_UNDERSTOOD:
        return True
    return wire[HEADER : HEADER + len(question)].lower() == question


def _received_at(ancillary: list[tuple[int, int, bytes]]) -> float | None:
    """The kernel's timestamp, in seconds since the epoch."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("@ll", data)
            return float(seconds) + float(nanoseconds) / 1e9
    return None
