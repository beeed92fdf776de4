"""A DNS server that knows what a test tells it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from exporter.net.dns.resolver import Resolver
from tests.support.ports import free_port

RAW = "\\# "
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
        if not self._silent:
            answer = self._answer(data)
            asyncio.get_running_loop().call_later(
                self._delay, self._transport.sendto, answer, client
            )

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question."""
        size = int.from_bytes(await reader.readexactly(2))
        answer = self._answer(await reader.readexactly(size))
        writer.write(len(answer).to_bytes(2) + answer)
        writer.close()

    def _answer(self, data: bytes) -> bytes:
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
            owner = f"{name}." if name != "." else name
            answer.answer.append(_records(owner, kind, records[kind]))
        return answer.to_wire()


def _records(owner: str, kind: str, texts: Sequence[str]) -> dns.rrset.RRset:
    """Those that begin with `\\#` are given in hexadecimal digits (RFC 3597), sense or not."""
    plain = [text for text in texts if not text.startswith(RAW)]
    found = dns.rrset.RRset(
        dns.name.from_text(owner), dns.rdataclass.IN, dns.rdatatype.from_text(kind)
    )
    if plain:
        found = dns.rrset.from_text(owner, 0, "IN", kind, *plain)
    for text in texts:
        if text.startswith(RAW):
            data = bytes.fromhex(text.removeprefix(RAW))
            found.items[dns.rdata.GenericRdata(found.rdclass, found.rdtype, data)] = None
    return found


@asynccontextmanager
async def names(zone: Zone, *, silent: bool = False, tcp: bool = False) -> AsyncIterator[Resolver]:
    """A resolver that asks a server of these names alone; `silent`: the server never answers."""
    async with name_server(zone, silent=silent, tcp=tcp) as address:
        yield Resolver([address])


def searching(address: str, folder: Path, suffix: str, ndots: int = 1) -> Resolver:
    """A resolver that asks the server at this address, and completes names with a suffix."""
    host, _, port = address.rpartition(":")
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {host}\nsearch {suffix}\noptions ndots:{ndots}\n")
    return Resolver(resolv_conf=file, port=int(port))


@asynccontextmanager
async def name_server(
    zone: Zone, *, silent: bool = False, delay: float = 0.0, tcp: bool = False
) -> AsyncIterator[str]:
    """HOST:PORT of a server of these names, which answers after `delay` seconds, or never; also
    over `tcp`."""
    one = _Server(zone, silent, delay)
    async with AsyncExitStack() as stack:
        port = 0
        if tcp:
            port = free_port()  # what is free for TCP alone may be another's UDP port
            await stack.enter_async_context(
                await asyncio.start_server(one.over_tcp, "127.0.0.1", port)
            )
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: one, ("127.0.0.1", port)
        )
        try:
            yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        finally:
            transport.close()
            await asyncio.sleep(0)
