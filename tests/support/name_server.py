"""A DNS server that knows what a test tells it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from exporter.net.dns import Resolver

Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""Records by name and type: `{"example.test": {"MX": ["10 mx.example.test."]}}`; `RCODE` is the
answer's code. A name with `AD` is signed: this server says that it has validated the answer."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone, silent: bool, delay: float) -> None:
        self._zone = zone
        self._silent = silent
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        if self._silent:
            return
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        (asked,) = question.question
        name, kind = (
            asked.name.to_text(omit_final_dot=True).lower(),
            dns.rdatatype.to_text(asked.rdtype),
        )
        records = self._zone.get(name, {"RCODE": ["NXDOMAIN"]})
        signed = "AD" in records and bool(question.flags & dns.flags.AD)
        if code := records.get("RCODE"):
            answer.set_rcode(dns.rcode.from_text(code[0]))
        for alias in records.get("CNAME", ()):
            answer.answer.append(dns.rrset.from_text(asked.name, 0, "IN", "CNAME", alias))
            name = alias.removesuffix(".")
            records = self._zone[name]
            signed = signed and "AD" in records
        if signed:
            answer.flags |= dns.flags.AD
        if kind in records:
            answer.answer.append(
                dns.rrset.from_text(
                    f"{name}." if name != "." else name, 0, "IN", kind, *records[kind]
                )
            )
        asyncio.get_running_loop().call_later(
            self._delay, self._transport.sendto, answer.to_wire(), client
        )


@asynccontextmanager
async def names(zone: Zone, *, silent: bool = False) -> AsyncIterator[Resolver]:
    """A resolver that asks a server of these names alone; `silent`: the server never answers."""
    async with name_server(zone, silent=silent) as address:
        yield Resolver([address])


@asynccontextmanager
async def name_server(
    zone: Zone, *, silent: bool = False, delay: float = 0.0
) -> AsyncIterator[str]:
    """HOST:PORT of a server of these names, which answers after `delay` seconds, or never."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(zone, silent, delay), ("127.0.0.1", 0)
    )
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
        await asyncio.sleep(0)
