"""The body of an answer by HTTP."""

from collections.abc import AsyncIterable

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

CHUNK = 1 << 14  # bytes that are read at once


async def read_body(chunks: AsyncIterable[bytes], host: str, most: int) -> bytes:
    """Reads at most so many bytes. Raises ProbeError if there are more."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise ProbeError(Reason.PROTOCOL, f"{host} sent more than {most >> 10} KiB")
    return bytes(body)
