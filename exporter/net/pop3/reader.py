"""Reads the status lines and multi-line answers of a POP3 server, within limits."""

import re
from collections.abc import Callable
from dataclasses import replace

from exporter.core.reasons import Reason
from exporter.net.connection import Connection
from exporter.net.pop3.reply import Reply, reply_in
from exporter.net.redaction import Redaction
from exporter.net.wrong_port import MOST, protocol_of, wrong_port_hint

MAX_LINE = 1 << 16  # bytes of a status line, and of all that a server offers
MAX_UNREAD = 1 << 20  # bytes of unsolicited data
# Of an answer of many lines, without its first two bytes where it is empty.
_END = re.compile(rb"\n\.\r?\n")
_MOST_OF_END = 3  # bytes that may be the beginning of an end


class Pop3Reader(Connection):
    """The reading side of the connection. Every failure is a ProbeError, and ends it."""

    def __init__(
        self, server: str, note: Callable[[str], None], redaction: Redaction | None = None
    ) -> None:
        super().__init__(server, redaction)
        self._note = note
        self._heard = bytearray()
        self._first = b""  # bytes that came before the greeting was read
        self._greeted = False
        self._read_messages = False

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if not self._greeted:
            self._first += data[: MOST - len(self._first)]
            self._recognise()
        if len(self._heard) > MAX_UNREAD:
            self._fail(
                Reason.PROTOCOL,
                f"{self._server} sent more than {MAX_UNREAD >> 20} MiB of unsolicited data",
            )
        self._wake()

    def _recognise(self) -> None:
        """Detects another protocol at once: not every protocol sends a complete line."""
        if (b"\n" in self._first or protocol_of(self._first) == "TLS") and (
            words := wrong_port_hint(self._first, "POP3")
        ):
            said = self._first.partition(b"\n")[0].decode("utf-8", "replace").strip()
            self._heard.clear()
            self._fail(
                Reason.PROTOCOL, f"{self._server} does not speak POP3: {said[:80]} ({words})"
            )

    async def _line(self, most: int) -> bytes:
        """A line with its end, or part of one that is longer than `most` bytes."""
        searched = 0
        while (end := self._heard.find(b"\n", searched) + 1) == 0 and (
            searched := len(self._heard)
        ) <= most:
            await self._more()
        return self._taken(end or searched)

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._heard[:length])
        del self._heard[:length]
        return taken

    async def _reply(self) -> Reply:
        line = await self._line(MAX_LINE)
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        reply, shown = reply_in(self._server, text), self._clean(text)
        shown = shown if reply else self._strange(shown)
        self._note(f"S: {shown}")
        if not reply or not line.endswith(b"\n"):
            raise self._failure(Reason.PROTOCOL, f"{self._server} does not speak POP3: {shown}")
        return reply if reply.continues else replace(reply, text=self._clean(reply.text))

    async def _data(self, doing: str, keep: int, most: int) -> bytes:
        """The lines up to the final dot (RFC 1939 section 3). Keeps only the first `keep` bytes.

        The rest is only searched for the end: a server may send tens of millions of lines.
        """
        kept, size, begins, ended = bytearray(), 0, True, False
        while not ended:
            piece, ended = await self._piece(begins)
            size += len(piece)
            if size > most:
                raise self._failure(
                    Reason.PROTOCOL, f"{self._server} sent more than {most >> 10} KiB for {doing}"
                )
            if len(kept) < keep:
                # At the worst, half of it are dots to be taken away.
                piece_kept = piece[: 2 * (keep - len(kept)) + 1]
                kept += (piece_kept.removeprefix(b".") if begins else piece_kept).replace(
                    b"\n.", b"\n"
                )
            begins = piece.endswith(b"\n") if piece else begins
        self._note(f"S: ({size} bytes)")
        del kept[keep:]
        return bytes(kept)

    async def _piece(self, begins: bool) -> tuple[bytes, bool]:
        """The available part of an answer, which here `begins` a line, and whether it was the last,
        without the end marker."""
        while True:
            if begins and (end := re.match(rb"\.\r?\n", self._heard)):
                self._taken(end.end())
                return b"", True
            if end := _END.search(self._heard):
                piece = self._taken(end.start() + 1)
                self._taken(end.end() - end.start() - 1)
                return piece, True
            if len(self._heard) > _MOST_OF_END:
                return self._taken(len(self._heard) - _MOST_OF_END), False
            await self._more()

    def _strange(self, text: str) -> str:
        """The error for an unexpected line, which may be part of the last message: not every server
        stuffs dots."""
        return f"({len(text)} characters)" if self._read_messages else text
