"""What is answered: bodies that many clients may share, and that are handed to the system a piece
at a time.

asyncio keeps a copy of what a client does not read. A hundred clients that ask for a page of 6 MB
and read nothing would cost 600 MB; so each of them is given 64 KiB, and more when it has read them.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Hashable

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

PIECE = 64 << 10  # bytes
SMALL = 1024  # bytes that are not worth compressing
_GZIP = 16 + zlib.MAX_WBITS  # zlib.compressobj: with the header and the trailer of gzip


class Body:
    """An answer, and what it is when compressed, which is made once for all who can read that."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._packed: asyncio.Future[bytes] | None = None

    async def packed(self) -> bytes:
        """Compressed with gzip, in a thread."""
        if self._packed is None:
            self._packed = asyncio.ensure_future(asyncio.to_thread(_packed, self.plain))
        return await asyncio.shield(self._packed)


def _packed(plain: bytes) -> bytes:
    packer = zlib.compressobj(level=6, wbits=_GZIP)
    return packer.compress(plain) + packer.flush()


class Pieces(Payload):
    """Bytes that are written as fast as the client reads them, and of which nothing is copied."""

    def __init__(self, whole: bytes) -> None:
        super().__init__(whole)
        self.whole = whole
        self._size = len(whole)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self.whole.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        view = memoryview(self.whole)
        for start in range(0, len(view), PIECE):
            await writer.write(view[start : start + PIECE])
            await writer.drain()
            await asyncio.sleep(0)  # a client that reads fast has us write without a pause


class Together:
    """Makes an answer once for all who ask for it at the same time, and never one that is older
    than its question.

    Whoever comes while one is being made shares the next one with all others who do. Answers are
    made one after the other, so that those who ask for many at once hold up nobody who asks for
    something else.
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, asyncio.Task[Body]] = {}
        self._turn = asyncio.Lock()

    async def ask(self, what: Hashable, make: Callable[[], Awaitable[bytes | str]]) -> Body:
        """`make` is called for the first who asks for this. Raises what it raises."""
        task = self._next.get(what)
        if task is None:
            task = self._next[what] = asyncio.create_task(self._make(what, make))
        return await asyncio.shield(task)

    async def _make(self, what: Hashable, make: Callable[[], Awaitable[bytes | str]]) -> Body:
        async with self._turn:
            del self._next[what]  # who comes from now on wants the next one
            made = await make()
        return Body(made.encode() if isinstance(made, str) else made)
