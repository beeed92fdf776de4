"""What a failed look-up and a failed connection say: who was asked, and which name an address is
of."""

import socket

import pytest

from exporter.config.server import NetworkOptions
from exporter.core.clock import Clock
from exporter.core.model import ProbeError
from exporter.core.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.tcp import dial
from tests.support.name_server import name_server, names

ZONE = {
    "smtp.example.test": {"A": ["127.0.33.98"]},
    "broken.test": {"RCODE": ["SERVFAIL"]},
    "bare.test": {"TXT": ["x"]},
}


@pytest.mark.parametrize("host", ["gone.test", "broken.test", "bare.test"])
async def test_a_look_up_names_the_server_that_was_asked(host: str) -> None:
    async with name_server(ZONE) as address:
        with pytest.raises(ProbeError) as caught:
            await Resolver([address]).addresses(host)
    assert caught.value.detail.startswith(
        ("gone.test does not exist", "no server could answer", "bare.test has no")
    )
    assert caught.value.detail.endswith(f"; asked {address}")


async def test_a_server_that_is_silent_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ProbeError, match=f"; asked {address}$"):
            await Resolver([address], timeout=0.2).addresses("smtp.example.test")


async def test_a_few_of_many_servers_are_named() -> None:
    servers = [f"127.0.0.{n}:1" for n in range(1, 6)]
    with pytest.raises(
        ProbeError, match=r"; asked 127\.0\.0\.1:1, 127\.0\.0\.2:1, 127\.0\.0\.3:1 and others$"
    ):
        await Resolver(servers, timeout=0.2).addresses("smtp.example.test")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (
            "smtp.example.test",
            "cannot connect to 127.0.33.98 (smtp.example.test) port 1: connection refused",
        ),
        ("127.0.33.98", "cannot connect to 127.0.33.98 port 1: connection refused"),
    ],
)
async def test_a_connection_names_what_the_address_is_of(host: str, words: str) -> None:
    async with names(ZONE) as resolver:
        with pytest.raises(ProbeError) as caught:
            await dial(resolver, host, 1, NetworkOptions(), Run(Clock()))
    assert caught.value.detail == words
