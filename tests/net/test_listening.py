"""What is wrong with an address to listen on, and who counts as one client."""

import errno
import socket

import pytest

from exporter.config.types import Listen
from exporter.net.listening import client_network, listen_error, listen_problem


async def test_a_free_address_has_no_problem_and_stays_free() -> None:
    for _ in range(2):
        assert await listen_problem(Listen("127.0.0.1:0")) == (0, "")


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert await listen_problem(Listen(where)) == (
            errno.EADDRINUSE,
            f"cannot listen on {where}: address already in use",
        )


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(errno.EADDRINUSE, "x"), "address already in use"),
        (
            PermissionError(errno.EACCES, "x"),
            "permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)",
        ),
        (OSError("without a number"), "cannot assign requested address"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not"),
        (UnicodeEncodeError("idna", "a..b", 0, 1, "x"), "not a host name"),
    ],
)
def test_an_error_is_said_in_words(error: OSError | UnicodeError, problem: str) -> None:
    assert listen_error("h:1", error).startswith(f"cannot listen on h:1: {problem}")


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("2001:db8:1:2:3::4", 5, 0, 0), "2001:0db8:0001:0002"),
        (("fe80::1%eth0", 5, 0, 2), "fe80:0000:0000:0000"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_ipv6_network_is_one_client(peer: object, client: str) -> None:
    assert client_network(peer) == client
