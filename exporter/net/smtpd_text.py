"""The text of a message as it comes to the receiver after DATA.

aiosmtpd would keep every line as an object of its own: a message of nothing but line ends takes twenty times its size.
"""

import asyncio
from dataclasses import dataclass

LINES_AT_A_TIME = 100  # then others have their turn: hundreds of thousands may have come at once


@dataclass(frozen=True, slots=True)
class IncomingText:
    """What came up to the final dot, which alone between two CRLF ends it (RFC 5321 section 4.1.1.4)."""

    beginning: bytes  # as much as was to be kept, leading dots taken away again
    size: int  # of the whole
    has_long_line: bool  # longer than RFC 5321 section 4.5.3.1.6 allows


async def incoming_text(reader: asyncio.StreamReader, keep: int) -> IncomingText:
    """Reads to the end, however long that takes, and keeps so many bytes."""
    beginning, size, number, begins, has_long_line = bytearray(), 0, 0, True, False
    while True:
        try:
            line = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            piece = await reader.read(error.consumed)
            size, begins, has_long_line = size + len(piece), False, True
            continue
        if begins and line == b".\r\n":
            return IncomingText(bytes(beginning[:keep]), size, has_long_line)
        if len(beginning) < keep:
            beginning += line.removeprefix(b".") if begins else line
        size, number, begins = size + len(line), number + 1, True
        if number % LINES_AT_A_TIME == 0:
            await asyncio.sleep(0)
