"""A nameserver that says what a test wants, over UDP and TCP: for what rbldnsd and Unbound never
do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Saying = Callable[[str, str], list[str] | dns.rcode.Rcode | None]
"""From a name (without the dot at its end) and a type to records, an error, or silence. No records:
NODATA."""


@dataclass
class NamesServer:
    """Answers by `saying`. `asked` holds every question over UDP, and `asked_tcp` those over
    TCP."""

    saying: Saying
    ttl: int = 300
    truncate: bool = False
    # What it answers to a query with EDNS, which it does not understand.
    without_edns: dns.rcode.Rcode | None = None
    echoes: bool = True  # also such an answer has the question
    explanation: dns.edns.EDECode | None = None  # of errors (RFC 8914)
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    asked_tcp: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, wire: bytes, asked: list[tuple[str, str]]) -> dns.message.Message | None:
        query = dns.message.from_wire(wire)
        (question,) = query.question
        name, kind = str(question.name).rstrip("."), question.rdtype.name
        asked.append((name, kind))
        if self.without_edns is not None and query.edns >= 0:
            reply = dns.message.make_response(query)
            reply.use_edns(False)
            reply.set_rcode(self.without_edns)
            reply.question = reply.question if self.echoes else []
            return reply
        said = self.saying(name, kind)
        if said is None:
            return None
        reply = dns.message.make_response(query)
        if isinstance(said, list):
            if said:
                reply.answer.append(
                    dns.rrset.from_text_list(question.name, self.ttl, "IN", kind, said)
                )
        else:
            reply.set_rcode(said)
            if self.explanation is not None:
                text = "what the server says itself"
                reply.use_edns(0, options=[dns.edns.EDEOption(self.explanation, text)])
        if not reply.answer:
            soa = "a. b. 1 1 1 1 " + str(self.ttl)
            reply.authority.append(dns.rrset.from_text(".", self.ttl * 2, "IN", "SOA", soa))
        return reply

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int.from_bytes(await reader.readexactly(2))
            if reply := self.answer(await reader.readexactly(length), self.asked_tcp):
                wire = reply.to_wire(max_size=65535)
                writer.write(len(wire).to_bytes(2) + wire)
                await writer.drain()
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: NamesServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if reply := self._server.answer(data, self._server.asked):
            if self._server.truncate:
                reply.answer.clear()
                reply.flags |= dns.flags.TC
            self._transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def names_server(saying: Saying | NamesServer, **options: Any) -> AsyncIterator[NamesServer]:
    """One on a free port of 127.0.0.1, as long as the block lasts."""
    server = saying if isinstance(saying, NamesServer) else NamesServer(saying, **options)
    transport, port = await _udp(server)
    tcp = None
    while not tcp:
        try:
            tcp = await asyncio.start_server(server.over_tcp, "127.0.0.1", port)
        except OSError:  # somebody has this port over TCP
            transport.close()
            transport, port = await _udp(server)
    server.address = f"127.0.0.1:{port}"
    try:
        yield server
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()


async def _udp(server: NamesServer) -> tuple[asyncio.DatagramTransport, int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(server), ("127.0.0.1", 0))
    # Hundreds at once.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return transport, transport.get_extra_info("sockname")[1]
