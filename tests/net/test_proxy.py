"""Connections through proxies: real ones, and ones that answer what they should not."""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from exporter.config.proxy import proxy_in
from exporter.config.server import NetworkOptions
from exporter.core.facts import MailServer
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.proxy import LONGEST_ANSWER
from exporter.net.tcp import dial
from tests.support.fast_forward import fast_forward
from tests.support.left_behind import nothing_left_behind
from tests.support.name_server import names
from tests.support.proxies import (
    PASSWORD,
    USER,
    Answer,
    first_address,
    microsocks,
    scripted,
    tinyproxy,
)
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_witness import Encrypted, Stage, witness

GREETING = b"220 mx.test ESMTP\r\n"
SOCKS_OK = b"\5\0\0\1\0\0\0\0\0\0"


def says(*answers: bytes) -> Answer:
    """Answers in turn, each after something was read, and then waits for the client to leave."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for one in answers:
            await reader.read(4096)
            writer.write(one)
        await reader.read()

    return answer


async def dialled(url: str, host: str = "mx.test", port: int = 25) -> socket.socket:
    proxy = proxy_in(url)
    return await dial(Resolver(), host, port, NetworkOptions(), Run(Clock()), proxy=proxy)


async def why(kind: str, answer: Answer, login: str = "") -> ProbeError:
    async with scripted(answer) as place, nothing_left_behind():
        with pytest.raises(ProbeError) as caught:
            await asyncio.wait_for(dialled(f"{kind}://{login}{place}"), 10)
        assert caught.value.detail.startswith(f"the proxy {kind}://{place}: ")
        assert PASSWORD not in caught.value.detail
        return caught.value


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_what_the_server_says_at_once_is_left_to_its_client(kind: str) -> None:
    """Its greeting may come with the answer of the proxy."""
    answers = {
        "socks5": (b"\5\0", SOCKS_OK + GREETING),
        "http": (b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n" + GREETING,),
    }[kind]
    async with scripted(says(*answers)) as place:
        with await dialled(f"{kind}://{place}") as connected:
            assert await asyncio.get_running_loop().sock_recv(connected, 4096) == GREETING


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_an_answer_may_come_byte_by_byte(kind: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        if kind == "socks5":
            writer.write(b"\5\0")
            await reader.read(4096)
        for byte in SOCKS_OK if kind == "socks5" else b"HTTP/1.0 200 OK\n\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(GREETING)
        await reader.read()

    async with scripted(answer) as place:
        with await dialled(f"{kind}://{place}") as connected:
            assert await asyncio.get_running_loop().sock_recv(connected, 4096) == GREETING


@pytest.mark.parametrize(
    ("answers", "reason", "words"),
    [
        ([b"\5\xff"], Reason.CONNECT, "it requires a login: write USER:PASSWORD@"),
        ([b"\5\2"], Reason.PROTOCOL, "it chose a login that was not offered"),
        ([b"\5\0", b"\5\1\0\1"], Reason.CONNECT, "it cannot connect to mx.test:25"),
        (
            [b"\5\0", b"\5\2\0\1"],
            Reason.CONNECT,
            "its rules do not allow a connection to mx.test:25",
        ),
        (
            [b"\5\0", b"\5\5\0\1"],
            Reason.CONNECT,
            "it cannot connect to mx.test:25: connection refused",
        ),
        ([b"\5\0", b"\5\x63\0\1"], Reason.CONNECT, "it refuses the connection to mx.test:25 (99)"),
        ([b"HTTP/1.1 400"], Reason.PROTOCOL, "it speaks HTTP, so write http://"),
        ([b"220 mx"], Reason.PROTOCOL, "it does not speak SOCKS5"),
        ([b"\5\0", b"nonsense"], Reason.PROTOCOL, "it does not speak SOCKS5"),
    ],
)
async def test_a_socks_proxy_says_why_not(
    answers: Sequence[bytes], reason: Reason, words: str
) -> None:
    error = await why("socks5", says(*answers))
    assert error.reason is reason
    assert error.detail.endswith(words)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (b"HTTP/1.1 407 no\r\n\r\n", Reason.CONNECT, "it requires a login: write USER:PASSWORD@"),
        (b"HTTP/1.1 403 no\r\n\r\n", Reason.CONNECT, "its rules do not allow a connection"),
        (
            b"HTTP/1.1 502 no\r\n\r\n",
            Reason.CONNECT,
            "it cannot connect to mx.test:25: 502 Bad Gateway",
        ),
        (b"HTTP/1.1 599 no\r\n\r\n", Reason.CONNECT, "it cannot connect to mx.test:25: 599"),
        (b"220 mx.test ESMTP\r\n", Reason.PROTOCOL, "it does not speak HTTP"),
        (b"\5\xff", Reason.PROTOCOL, "it speaks SOCKS5, so write socks5://"),
        (b"HTTP/2.0 200\r\n\r\n", Reason.PROTOCOL, "it does not speak HTTP"),
        (b"HTTP/1.1 200" + b"x" * 40_000, Reason.PROTOCOL, "its answer does not end"),
    ],
)
async def test_an_http_proxy_says_why_not(answer: bytes, reason: Reason, words: str) -> None:
    error = await why("http", says(answer))
    assert error.reason is reason
    assert words in error.detail


@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_a_proxy_that_cuts_the_connection_is_named(kind: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    error = await why(kind, hang_up)
    assert (error.reason, error.detail.rpartition(": ")[2]) == (
        Reason.DISCONNECTED,
        "it cut the connection",
    )


async def test_a_refused_login_repeats_no_password() -> None:
    login = f"{USER}:{PASSWORD}@"
    refused = says(b"\5\2", b"\1\1" + PASSWORD.encode())
    assert (await why("socks5", refused, login)).detail.endswith(
        "it refuses the user name or the password"
    )
    refused = says(f"HTTP/1.1 407 {PASSWORD}\r\n\r\n".encode())
    assert (await why("http", refused, login)).detail.endswith(
        "it refuses the user name or the password (407)"
    )


async def test_an_answer_without_end_does_not_take_the_loop() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * LONGEST_ANSWER)
        await reader.read()

    error = asyncio.ensure_future(why("http", flood))
    longest, before = 0.0, time.thread_time()
    while not error.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    assert "its answer does not end" in (await error).detail
    assert longest < 0.5


async def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        with pytest.raises(ProbeError) as caught:
            await dialled(f"socks5://127.0.0.1:{port}")
    assert (caught.value.reason, caught.value.detail) == (
        Reason.CONNECT,
        f"the proxy socks5://127.0.0.1:{port}: cannot connect to 127.0.0.1:{port}:"
        " connection refused",
    )


async def test_a_proxy_whose_name_does_not_exist_is_named() -> None:
    async with names({}) as resolver:
        run, proxy = new_run(), proxy_in("http://proxy.test:3128")
        with pytest.raises(ProbeError) as caught:
            await dial(resolver, "mx.test", 25, NetworkOptions(), run, proxy=proxy)
    assert caught.value.reason is Reason.DNS
    assert caught.value.detail.startswith("the proxy http://proxy.test:3128: proxy.test")
    assert run.failure(caught.value).step is Step.RESOLVE


@fast_forward
async def test_a_silent_proxy_is_a_timeout_of_the_step() -> None:
    async with names({}) as resolver, scripted(says()) as place:
        given = {"host": "mx.test", "port": 25, "proxy": f"socks5://{place}"}
        failure = await send(make_sender("smtp", given, resolver), probe_message(), new_run(0.3))
    assert failure is not None
    assert (failure.step, failure.reason, failure.detail) == (
        Step.CONNECT,
        Reason.TIMEOUT,
        f"no answer from the proxy socks5://{place} within 0.3 s",
    )


@fast_forward
async def test_a_silent_server_behind_a_proxy_is_not_the_proxy() -> None:
    async with names({}) as resolver, scripted(says(b"\5\0", SOCKS_OK)) as place:
        given = {"host": "mx.test", "port": 25, "proxy": f"socks5://{place}"}
        failure = await send(make_sender("smtp", given, resolver), probe_message(), new_run(0.3))
    assert failure is not None
    assert (failure.step, failure.detail) == (
        Step.GREETING,
        "no answer from mx.test within 0.3 s",
    )


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize("login", [False, True])
async def test_a_message_goes_through_a_real_proxy(
    servers: None, tmp_path: Path, kind: str, login: bool
) -> None:
    """The proxy resolves the name of the server: our name server knows none."""
    lines = [f"BasicAuth {USER} {PASSWORD}"] if login else []
    running = microsocks(login) if kind == "socks5" else tinyproxy(tmp_path, *lines)
    with running as place:
        async with names({}) as resolver, witness(first_address("localhost")) as one:
            words = f"{USER}:{PASSWORD}@" if login else ""
            given = {"host": "localhost", "port": one.port, "proxy": f"{kind}://{words}{place}"}
            run = new_run()
            assert await send(make_sender("smtp", given, resolver), probe_message(), run) is None
            assert len(one.received) == 1
    assert MailServer("localhost", (), "witness.test", proxy=f"{kind}://{place}") in run.facts
    (connecting,) = (span for span in run.spans if span.step is Step.CONNECT)
    assert connecting.note == f"localhost:{given['port']} through the proxy {kind}://{place}"
    shown = "\n".join((*run.transcript, str(run.facts)))
    assert f"-- connected to the proxy {kind}://{place}" in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    ("kind", "host", "words"),
    [
        ("socks5", "localhost", "it cannot connect to localhost:{port}: connection refused"),
        ("http", "localhost", "it cannot connect to localhost:{port}: 500 Internal Server Error"),
        ("socks5", "nowhere.invalid", "it cannot connect to nowhere.invalid:{port}"),
        ("http", "nowhere.invalid", "it cannot connect to nowhere.invalid:{port}: 500"),
    ],
)
async def test_what_a_real_proxy_cannot_reach_is_its_word(
    servers: None, tmp_path: Path, kind: str, host: str, words: str
) -> None:
    with socket.socket() as one, microsocks() as socks, tinyproxy(tmp_path) as http:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        with pytest.raises(ProbeError) as caught:
            await dialled(f"{kind}://{socks if kind == 'socks5' else http}", host, port)
    assert caught.value.reason is Reason.CONNECT
    assert words.format(port=port) in caught.value.detail


@pytest.mark.parametrize("kind", ["socks5", "http"])
@pytest.mark.parametrize("login", ["", "somebody:else@"])
async def test_a_real_proxy_refuses_who_has_no_login(
    servers: None, tmp_path: Path, kind: str, login: str
) -> None:
    words = "it refuses the user name or the password" if login else "it requires a login"
    with (
        microsocks(login=True) as socks,
        tinyproxy(tmp_path, f"BasicAuth {USER} {PASSWORD}") as http,
        pytest.raises(ProbeError, match=words) as caught,
    ):
        await dialled(f"{kind}://{login}{socks if kind == 'socks5' else http}", "localhost")
    assert caught.value.reason is Reason.CONNECT


async def test_a_port_that_the_proxy_does_not_allow(servers: None, tmp_path: Path) -> None:
    with (
        tinyproxy(tmp_path, "ConnectPort 443") as place,
        pytest.raises(ProbeError, match="its rules do not allow a connection to localhost:587"),
    ):
        await dialled(f"http://{place}", "localhost", 587)


async def test_tls_is_with_the_server_and_not_with_the_proxy(servers: None, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with microsocks() as place:
        address = first_address("localhost")
        async with names({}) as resolver, witness(address, offers=["STARTTLS"]) as one:
            one.act(Stage.TLS, Encrypted(context=context))
            given = {
                "host": "localhost",
                "port": one.port,
                "tls": "starttls",
                "ca_file": str(tmp_path / "ca.pem"),
                "proxy": f"socks5://{place}",
            }
            run = new_run()
            assert await send(make_sender("smtp", given, resolver), probe_message(), run) is None
    assert "-- TLSv1.3" in "\n".join(run.transcript)
