"""TCP connections: tries every address of a host, the families in parallel (RFC 8305), and reports
one error."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import aiohappyeyeballs

from exporter.config.proxy import Proxy
from exporter.config.server import NetworkOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.net.dns.hosts_file import HOSTS_FILE
from exporter.net.dns.resolver import Resolver
from exporter.net.exceptions import map_exceptions
from exporter.net.os_errors import problem
from exporter.net.proxy import open_tunnel

HEAD_START = 0.25  # seconds before the next address is tried as well (RFC 8305 section 5)
# Of a host; the others are not tried, however many the DNS has.
MAX_ADDRESSES = 20
MOST_SHOWN = 4  # addresses in an error


async def dial(
    resolver: Resolver,
    host: str,
    port: int,
    network: NetworkOptions,
    trace: Trace,
    address: str = "",
    resolved: Callable[[list[str]], None] = lambda addresses: None,
    proxy: Proxy | None = None,
    origin: str = "",
) -> socket.socket:
    """A connected socket, in the steps `resolve` and `connect`. Only this `address` of the host is
    tried if there is one; else `resolved` receives the addresses before one of them is connected
    to: none if a `proxy` connects for us. `origin` says for people where the name of the host comes
    from. Raises ProbeError (dns, connect, disconnected; with a proxy also protocol)."""
    trace.awaited = ""
    if proxy:
        resolved([])
        return await _dial_through(proxy, resolver, host, port, network, trace)
    addresses = [address]
    if not address:
        with trace.step(Step.RESOLVE, host), _errors_about(host, origin):
            trace.awaited = f"the name server {resolver} for {_of(host, origin)}"
            found = await resolver.addresses(host, network.ip)
            addresses = found[:MAX_ADDRESSES]
        resolved(addresses)
    # If the time is over meanwhile, these have not answered.
    trace.awaited = place(addresses, port, host, origin)
    with trace.step(Step.CONNECT, f"{host}:{port}"):
        connected = await connect(addresses, port, network.source_address, host, origin, resolver)
        peer = peer_of(connected, host)
    trace.awaited = ""
    trace.note(f"-- connected to {host} [{peer[0]}]:{port}")
    return connected


async def _dial_through(
    proxy: Proxy, resolver: Resolver, host: str, port: int, network: NetworkOptions, trace: Trace
) -> socket.socket:
    with trace.step(Step.RESOLVE, proxy.host), _errors_of(proxy):
        addresses = (await resolver.addresses(proxy.host, network.ip))[:MAX_ADDRESSES]
    with trace.step(Step.CONNECT, f"{host}:{port} through the proxy {proxy}"):
        with _errors_of(proxy):
            connected = await connect(
                addresses, proxy.port, network.source_address, proxy.host, resolver=resolver
            )
            peer = peer_of(connected, proxy.host)
        trace.note(f"-- connected to the proxy {proxy} [{peer[0]}]:{peer[1]}")
        # If the time is over meanwhile, the proxy has not answered.
        trace.awaited = f"the proxy {proxy}"
        try:
            await open_tunnel(connected, proxy, host, port)
        except BaseException:
            connected.close()
            raise
        trace.awaited = ""
    trace.note(f"-- it has connected to {host}:{port}")
    return connected


def _errors_of(proxy: Proxy) -> AbstractContextManager[None]:
    """Says of errors that they are the proxy's."""
    return map_exceptions(
        {
            ProbeError: lambda error: ProbeError(
                error.reason, f"the proxy {proxy}: {error.detail}", code=error.code
            )
        }
    )


def _errors_about(host: str, origin: str) -> AbstractContextManager[None]:
    """Says of errors where the name comes from."""
    if not origin:
        return nullcontext()
    return map_exceptions(
        {
            ProbeError: lambda error: ProbeError(
                error.reason, f"{_of(host, origin)}: {error.detail}", code=error.code
            )
        }
    )


async def connect(
    addresses: list[str],
    port: int,
    source_address: str | None = None,
    host: str = "",
    origin: str = "",
    resolver: Resolver | None = None,
) -> socket.socket:
    """Connects a non-blocking socket to the first address that answers. Raises ProbeError
    (connect).

    `host` is the name of the addresses, `origin` says where that comes from, and `resolver` has
    found them: for people.
    """

    def where() -> str:
        in_file = resolver and resolver.in_hosts_file(host, addresses)
        known = ", ".join(filter(None, (origin, f"address from {HOSTS_FILE}" if in_file else "")))
        source = f" from {source_address}" if source_address else ""
        return f"{place(addresses, port, host, known)}{source}"

    infos = [
        _address_info(address, port) for address in addresses if _can_reach(source_address, address)
    ]
    if not infos:
        raise ProbeError(
            Reason.CONNECT, f"cannot connect to {where()}: one is IPv4, the other is IPv6"
        )
    source = [_address_info(source_address, 0)] if source_address else None
    with map_exceptions(
        {
            OSError: lambda error: ProbeError(
                Reason.CONNECT, f"cannot connect to {where()}: {problem(error)}"
            )
        }
    ):
        connected = await aiohappyeyeballs.start_connection(
            infos, local_addr_infos=source, happy_eyeballs_delay=HEAD_START
        )
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


def peer_of(connected: socket.socket, server: str) -> tuple[Any, ...]:
    """The address and the port of the other end. Raises ProbeError (disconnected), and closes the
    socket, if it has gone meanwhile."""
    try:
        peer: tuple[Any, ...] = connected.getpeername()
    except OSError:  # ENOTCONN
        connected.close()
        raise ProbeError(Reason.DISCONNECTED, f"{server} cut the connection") from None
    return peer


def place(addresses: list[str], port: int, host: str, origin: str) -> str:
    """The other end of connections, for people: its name, its addresses, its port."""
    shown = ", ".join(addresses[:MOST_SHOWN]) + (", …" if len(addresses) > MOST_SHOWN else "")
    if not host or host.strip("[]") in addresses:
        end = f"[{shown}]:{port}" if ":" in shown or "," in shown else f"{shown}:{port}"
    else:
        end = f"{host} [{shown}]:{port}"
    return _of(end, origin)


def _of(host: str, origin: str) -> str:
    return f"{host} ({origin})" if origin else host


def source_towards(address: str, source_address: str | None = None) -> str:
    """The local source address of a connection there; empty if there is no route.

    Connecting a datagram socket sends nothing, but the system chooses the address.
    """
    if not _can_reach(source_address, address):
        return ""
    if source_address:
        return source_address
    with socket.socket(
        socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM
    ) as ours:
        try:
            ours.connect((address, 25))
        except OSError:
            return ""
        source: str = ours.getsockname()[0]
        return source.partition("%")[0]


def _can_reach(source: str | None, address: str) -> bool:
    return source is None or (":" in source) == (":" in address)


def _address_info(
    address: str, port: int
) -> tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
