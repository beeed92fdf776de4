"""DNS messages: their size limit, parsing, and transport over TCP."""

import asyncio
import contextlib
from functools import partial

import dns.exception
import dns.message
import dns.rcode
import dns.rdtypes.txtbase

PAYLOAD = 1232  # bytes of an answer that fit into any datagram (dnsflagday.net, 2020)
MOST_RECORDS = 1000  # of an answer


def refuses_edns(answer: dns.message.Message) -> bool:
    """Whether this is the answer of a server that does not understand EDNS, and has to be asked
    without (RFC 6891 section 7)."""
    return answer.edns < 0 and answer.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


async def read(wire: bytes, *, lenient: bool = False) -> dns.message.Message:
    """Parses an answer, a long one in a thread: dnspython needs 0.1 s for some thousands of
    records. With `lenient`, records that make no sense are left out, and are among its
    `errors`."""
    parse = partial(dns.message.from_wire, continue_on_error=lenient)
    return await asyncio.to_thread(parse, wire) if len(wire) > PAYLOAD else parse(wire)


def text_of(record: object) -> str:
    """A record as text: of a TXT record, its strings in one piece."""
    if isinstance(record, dns.rdtypes.txtbase.TXTBase):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record)


async def asked_over_tcp(
    server: tuple[str, int], query: dns.message.Message, *, lenient: bool = False
) -> dns.message.Message:
    answer = await read(await _over_tcp(server, query.to_wire()), lenient=lenient)
    if not query.is_response(answer):
        raise dns.exception.FormError
    return answer


async def _over_tcp(server: tuple[str, int], query: bytes) -> bytes:
    """The answer to a query (RFC 7766), without a timeout. Raises OSError and EOFError."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2) + query)
        while True:
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            if answer[:2] == query[:2]:
                return answer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
