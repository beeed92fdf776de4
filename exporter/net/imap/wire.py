"""The transport of an IMAP conversation: reads data in slices, so that no server blocks the event
loop."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from exporter.core.reasons import Reason
from exporter.net.connection import Connection
from exporter.net.imap.reader import MAX_RESPONSE, Malformed, Reader, Response
from exporter.net.redaction import Redaction
from exporter.net.wrong_port import MOST, protocol_of, wrong_port_hint

MAX_ANSWER = 2 * MAX_RESPONSE  # bytes that may come for one command
# bytes for which even the shortest response counts: 20,000 of them are enough for any command
RESPONSE_WEIGHT = 1536
# Bytes for each that is no literal: the words of a list take many times their length.
TEXT_WEIGHT = 8
TURN = 100_000  # of this weight are read before others have their turn: a few milliseconds


def invited(response: Response, tag: str) -> Response:
    """The response; a continuation that begins with the command's tag (grommunio) without the
    tag."""
    if (
        response.tag == "?"
        and tag
        and (words := re.match(re.escape(tag) + r" \+(?: (.*))?$", response.text, re.DOTALL))
    ):
        return replace(response, tag="+", text=words[1] or "")
    return response


class ImapWire(Connection):
    """Passes every response to `_handle_response`. Responses may arrive in pieces or a thousand at
    once; other tasks run in between."""

    def __init__(
        self, server: str, clock: Callable[[], float], redaction: Redaction | None = None
    ) -> None:
        super().__init__(server, redaction)
        self._clock = clock
        self._reader = Reader()
        self._received = 0  # weight of what has come since the last command
        self._weighed = 0  # bytes of text, of those that the reader has read
        self._greeted = False
        self._first = b""  # bytes that came before the greeting was read
        self._chunks: deque[tuple[bytes, float]] = deque()
        self._responses: Iterator[Response] = iter(())
        self._behind = False  # the rest of what has come is read in another turn
        self._paused = False
        # The connection, while its last words were not read.
        self._ended: tuple[Exception | None] | None = None

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if not self._greeted:
            self._first += data[: MOST - len(self._first)]
            self._recognise()
        self._chunks.append((data, self._clock()))
        if not self._behind:
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._behind and not self._lost:
            self._ended = (exc,)  # until all is read that came before
        else:
            super().connection_lost(exc)

    def _read(self) -> None:
        """Reads data for a limited time; responses have the time when their data arrived."""
        self._behind, begun = False, self._received
        try:
            while not self._lost:
                for response in self._responses:
                    self._received += RESPONSE_WEIGHT + TEXT_WEIGHT * (
                        self._reader.texts - self._weighed
                    )
                    self._weighed = self._reader.texts
                    self._admit()
                    self._handle_response(response)
                    if self._lost:
                        break
                    if self._received - begun > TURN:
                        self._later()
                        return
                if self._lost or not self._chunks:
                    break
                self._responses = self._reader.feed(*self._chunks.popleft())
        except Malformed as problem:
            self._fail(Reason.PROTOCOL, f"{self._server} sent {self._words(problem)}")
        self._chunks.clear()
        if self._ended:
            self.connection_lost(*self._ended)
        elif self._paused and not self._lost:
            self._paused = False
            self.transport.resume_reading()

    def _admit(self) -> None:
        if self._received > MAX_ANSWER:
            raise Malformed(f"more than {MAX_ANSWER >> 20} MiB for one command")

    def _later(self) -> None:
        self._behind = True
        if not self._ended and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._read)

    def _recognise(self) -> None:
        """Detects another protocol before it parses anything."""
        if (b"\n" in self._first or protocol_of(self._first) == "TLS") and (
            words := wrong_port_hint(self._first, "IMAP")
        ):
            said = self._first.partition(b"\n")[0].decode("utf-8", "replace").strip()
            self._fail(
                Reason.PROTOCOL,
                f"{self._server} sent a line that is not IMAP: {said[:80]} ({words})",
            )

    @property
    def _silent(self) -> bool:
        """Whether all data were read."""
        return self._reader.empty and not self._behind and not self._chunks

    def _handle_response(self, response: Response) -> None:
        raise NotImplementedError

    def _words(self, problem: Malformed) -> str:
        raise NotImplementedError
