"""Response bodies, which many clients may share, written in pieces.

asyncio keeps a copy of data that a client does not read. A hundred clients that request a page of 6
MB and read nothing would use 600 MB; so each is sent 64 KiB, and more once it has read them.
"""

import asyncio
import zlib

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

PIECE = 64 << 10  # bytes
SMALL = 1024  # bytes that are not worth compressing
_GZIP = 16 + zlib.MAX_WBITS  # zlib.compressobj: with the header and the trailer of gzip


class Body:
    """The body of a response, and its compressed form, which is made once for all clients."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._compressed: asyncio.Future[bytes] | None = None

    async def compressed(self) -> bytes:
        """Compressed with gzip, in a thread."""
        if self._compressed is None:
            self._compressed = asyncio.ensure_future(asyncio.to_thread(_compress, self.plain))
        return await asyncio.shield(self._compressed)


def _compress(plain: bytes) -> bytes:
    compressor = zlib.compressobj(level=6, wbits=_GZIP)
    return compressor.compress(plain) + compressor.flush()


class PiecewisePayload(Payload):
    """Writes bytes as fast as the client reads them, without a copy."""

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
