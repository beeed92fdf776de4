"""What a failed look-up and a failed connection say: who was asked, and which name an address is
of."""

import re
import select
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import dns.edns
import dns.rcode
import pytest

from exporter.config.server import NetworkOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.tcp import dial, peer_of
from tests.support.broken_nameserver import names_server
from tests.support.fast_forward import fast_forward
from tests.support.name_server import Zone, name_server, names

ZONE: Zone = {
    "smtp.example.test": {"A": ["127.0.33.98"]},
    "broken.test": {"RCODE": ["SERVFAIL"]},
    "denied.test": {"RCODE": ["REFUSED"]},
    "two.test": {"A": ["127.0.33.98", "255.255.255.255"]},
    "bare.test": {"TXT": ["x"]},
}


@pytest.mark.parametrize("host", ["gone.test", "broken.test", "denied.test", "bare.test"])
async def test_a_look_up_names_the_server_that_was_asked(host: str) -> None:
    async with name_server(ZONE) as address:
        with pytest.raises(ProbeError) as caught:
            await Resolver([address]).addresses(host)
    words = {
        "gone.test": f"gone.test does not exist (NXDOMAIN); asked {address}",
        "bare.test": f"bare.test has no address; asked {address}",
        "broken.test": f"no server could answer for broken.test AAAA; asked {address} (SERVFAIL)",
        "denied.test": f"no server could answer for denied.test AAAA; asked {address} (REFUSED)",
    }
    assert caught.value.detail == words[host]


async def test_the_code_says_whether_all_servers_refuse_us() -> None:
    zones = ({"x.test": {"RCODE": [code]}} for code in ("REFUSED", "SERVFAIL"))
    async with name_server(next(zones)) as refuses, name_server(next(zones)) as fails:
        for servers, code in (([refuses], "REFUSED"), ([refuses, fails], "SERVFAIL")):
            with pytest.raises(ProbeError) as caught:
                await Resolver(servers).addresses("x.test", "4")
            assert (caught.value.reason, caught.value.code) == (Reason.DNS, code)


@pytest.mark.slow
async def test_servers_that_answer_differently_are_told_apart() -> None:
    zone: Zone = {"x.test": {"RCODE": ["REFUSED"]}}
    async with name_server(zone) as refuses, silent() as mute:
        with pytest.raises(ProbeError) as caught:
            await Resolver([refuses, mute], timeout=0.5).addresses("x.test", "4")
    assert caught.value.detail == (
        f"no answer for x.test A within 0.5 s; asked {refuses} (REFUSED), {mute} (no answer)"
    )


async def test_only_the_server_that_was_asked_is_named() -> None:
    async with name_server(ZONE) as address:
        with pytest.raises(ProbeError) as caught:
            await Resolver([address, "127.0.0.1:1"]).addresses("gone.test")
    assert caught.value.detail.endswith(f"; asked {address}")


async def test_the_explanation_of_a_server_is_shown_by_its_registered_code() -> None:
    why = dns.edns.EDECode.DNSSEC_BOGUS
    async with names_server(lambda name, kind: dns.rcode.SERVFAIL, explanation=why) as server:
        with pytest.raises(ProbeError) as caught:
            await Resolver([server.address]).addresses("x.test", "4")
    assert caught.value.detail.endswith(f"; asked {server.address} (SERVFAIL, DNSSEC bogus)")


@fast_forward
async def test_a_server_that_is_silent_is_named() -> None:
    async with silent() as address:
        with pytest.raises(ProbeError, match=f"; asked {address}$"):
            await Resolver([address], timeout=0.2).addresses("smtp.example.test")


async def test_a_few_of_many_servers_are_named() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(name_server(ZONE)) for _ in range(4)]
        few = ", ".join(f"{one} (SERVFAIL)" for one in servers[:3])
        with pytest.raises(ProbeError, match=re.escape(f"; asked {few} and others") + "$"):
            await Resolver(servers).addresses("broken.test")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (
            "smtp.example.test",
            "cannot connect to smtp.example.test [127.0.33.98]:1: connection refused",
        ),
        ("127.0.33.98", "cannot connect to 127.0.33.98:1: connection refused"),
        ("localhost", "cannot connect to localhost [127.0.0.1]:1 (address from /etc/hosts):"),
    ],
)
async def test_a_connection_names_what_the_address_is_of(host: str, words: str) -> None:
    async with names(ZONE) as resolver:
        with pytest.raises(ProbeError) as caught:
            options = NetworkOptions(ip="4") if host == "localhost" else NetworkOptions()
            await dial(resolver, host, 1, options, Run(Clock()))
    assert caught.value.detail.startswith(words)


async def test_the_address_of_an_exchanger_is_never_that_of_the_hosts_file() -> None:
    """Even if it is the same there."""
    async with names({}) as resolver:
        with pytest.raises(ProbeError) as caught:
            options = NetworkOptions(ip="4")
            await dial(resolver.absolute, "localhost", 1, options, Run(Clock()), "127.0.0.1")
    assert caught.value.detail.startswith("cannot connect to localhost [127.0.0.1]:1: ")


async def test_addresses_that_fail_in_different_ways_are_told_apart() -> None:
    why = {"127.0.33.98": "connection refused", "255.255.255.255": "network is unreachable"}
    async with names(ZONE) as resolver:
        with pytest.raises(ProbeError) as caught:
            await dial(resolver, "two.test", 1, NetworkOptions(), Run(Clock()))
    expected = {  # a name server may answer in any order
        f"cannot connect to two.test [{one}, {other}]:1: {why[one]}, or {why[other]}"
        for one, other in (why, reversed(why))
    }
    assert caught.value.detail in expected


@fast_forward
async def test_a_name_server_and_an_address_that_do_not_answer_within_the_session_are_named() -> (
    None
):
    run = Run(Clock(), session_timeout=0.2)
    async with silent() as address:
        with pytest.raises(ProbeError) as caught:
            async with run.conversation(server="smtp.example.test"):
                await dial(Resolver([address]), "smtp.example.test", 25, NetworkOptions(), run)
    assert caught.value.detail == (
        f"no answer from the name server {address} for smtp.example.test within 0.2 s"
    )
    with full() as port, pytest.raises(ProbeError) as caught:
        async with run.conversation(server="smtp.example.test"):
            where = NetworkOptions(), run, "127.0.0.1"
            await dial(Resolver([address]), "smtp.example.test", port, *where)
    assert caught.value.detail == (
        f"no answer from smtp.example.test [127.0.0.1]:{port} within 0.2 s"
    )


def test_a_server_that_cuts_a_connection_at_once_is_no_bug_of_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        select.select([ours], [], [])
        with pytest.raises(ProbeError) as caught:
            peer_of(ours, "mx.example.test")
    assert caught.value.reason is Reason.DISCONNECTED
    assert caught.value.detail == "mx.example.test cut the connection"
    assert ours.fileno() == -1


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """A name server that does not answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def full() -> Iterator[int]:
    """The port of a socket whose queue is full: connections to it are not answered."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
