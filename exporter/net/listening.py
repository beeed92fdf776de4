"""Shared by our own servers: errors of listening, and which addresses count as one client."""

import asyncio
import errno
import os
from ipaddress import IPv6Address, ip_address

from exporter.config.types import Listen


def listen_error(listen: str, error: OSError | UnicodeError) -> str:
    """The text for `error`, as raised by asyncio's `create_server`."""
    return f"cannot listen on {listen}: {_problem(error)}"


async def listen_problem(listen: Listen) -> tuple[int, str]:
    """Why this address cannot be listened on now: the error's number and text, or 0 and "" if it
    can."""
    try:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, listen.host or None, listen.port
        )
    except (OSError, UnicodeError) as error:
        return getattr(error, "errno", None) or errno.EADDRNOTAVAIL, listen_error(listen, error)
    server.close()
    await server.wait_closed()
    return 0, ""


def _problem(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "not a host name"
    # Python 3.13 keeps the number of this one to itself.
    number = error.errno or errno.EADDRNOTAVAIL
    if number not in errno.errorcode:  # of the resolver, which has numbers of its own
        return str(error.strerror).lower()
    hint = (
        " (a port below 1024 needs CAP_NET_BIND_SERVICE)"
        if isinstance(error, PermissionError)
        else ""
    )
    return os.strerror(number).lower() + hint


def client_network(peer: object) -> str:
    """The identity of a client: an IPv4 address, or the network of an IPv6 address, since one
    machine may use it all."""
    if not isinstance(peer, tuple):
        return ""
    address = ip_address(peer[0].partition("%")[0])
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or address.exploded[:19])  # the first 64 bits
    return str(address)
