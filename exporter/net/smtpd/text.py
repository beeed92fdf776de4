"""The text of a message that the receiver reads after DATA.

aiosmtpd would keep every line as a separate object: a message of only line ends takes twenty times
its size.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

LINES_AT_A_TIME = 100  # then others have their turn: hundreds of thousands may have come at once


@dataclass(frozen=True, slots=True)
class IncomingText:
    """The text up to the final dot, which only ends it between two CRLF (RFC 5321 section
    4.1.1.4)."""

    beginning: bytes  # as much as was to be kept, leading dots taken away again
    size: int  # of the whole


async def incoming_text(
    reader: asyncio.StreamReader, keep: int, keep_of: Callable[[bytes], Awaitable[int]]
) -> IncomingText:
    """Reads to the end, without a timeout, and keeps so many bytes. Of a longer message, `keep_of`
    says by these how many are kept.

    Lines may be longer than RFC 5321 section 4.5.3.1.6 allows, as those that Proofpoint and Outlook
    forward: RFC 5322 section 2.1.1 expects receivers to accept them, and a refusal would mean a
    bounce and a missing message.
    """
    beginning, size, number, begins, asked = bytearray(), 0, 0, True, False
    while True:
        try:
            piece, whole = await reader.readuntil(b"\r\n"), True
        except asyncio.LimitOverrunError as error:
            piece, whole = await reader.read(error.consumed), False
        if begins and piece == b".\r\n":
            return IncomingText(bytes(beginning[:keep]), size)
        if len(beginning) < keep:
            beginning += piece.removeprefix(b".") if begins else piece
        if len(beginning) >= keep and not asked:
            keep, asked = await keep_of(bytes(beginning[:keep])), True
        size, number, begins = size + len(piece), number + 1, whole
        if number % LINES_AT_A_TIME == 0:
            await asyncio.sleep(0)
