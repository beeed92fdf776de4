"""What is left of a connection when its client has ended it: nothing, also if the server, after
its answer, neither reads nor ends TLS. asyncio alone would wait half a minute for it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import trustme

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError
from exporter.net.http.connector import Connector
from exporter.net.tls.handshake import client_context
from tests.support.http_clients import DOMAIN, HttpsPlace
from tests.support.silent_service import cancelled, silent_service

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
WHOLE = HEAD + b"2\r\n\r\n{}"
REFUSAL = WHOLE.replace(b"200 OK", b"404 Not Found")
TOO_LONG = HEAD + b"1000000000\r\n\r\n" + b" " * (2 << 20)


Use = Callable[[HttpsPlace], Awaitable[None]]
USERS = [HttpsPlace.policy, HttpsPlace.token, HttpsPlace.traces, HttpsPlace.graph, HttpsPlace.jmap]
each_user = pytest.mark.parametrize("use", USERS, ids=lambda use: use.__name__)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(f"mta-sts.{DOMAIN}", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(file)
    return file


@pytest.mark.parametrize("answer", [WHOLE, REFUSAL, TOO_LONG], ids=["whole", "refusal", "too long"])
@each_user
async def test_after_an_answer(use: Use, answer: bytes, tls: ssl.SSLContext, ca_file: str) -> None:
    with silent_service(tls, answer) as service:
        async with asyncio.timeout(20):
            with suppress(ProbeError):
                await use(HttpsPlace(service.port, ca_file))
        assert service.asked.is_set()
        assert service.clients() == 0


async def test_after_an_answer_that_is_not_read(tls: ssl.SSLContext, ca_file: str) -> None:
    with silent_service(tls, REFUSAL.replace(b"{}", b"{")) as service:
        with pytest.raises(ProbeError, match="answered 404"):
            await HttpsPlace(service.port, ca_file).policy()
        assert service.clients() == 0


@each_user
async def test_after_a_request_that_is_cancelled(
    use: Use, tls: ssl.SSLContext, ca_file: str
) -> None:
    with silent_service(tls) as service:
        await cancelled(use(HttpsPlace(service.port, ca_file)), service)
        assert service.clients() == 0


@each_user
async def test_after_a_handshake_that_is_cancelled(use: Use, ca_file: str) -> None:
    with silent_service(None) as service:
        await cancelled(use(HttpsPlace(service.port, ca_file)), service)
        assert service.clients() == 0


async def test_after_a_request_that_the_server_does_not_read(ca_file: str) -> None:
    """It would wait for good."""
    with silent_service(None) as service:
        await cancelled(HttpsPlace(service.port, ca_file).many_traces(), service, 0.3)
        assert service.clients() == 0


@pytest.mark.parametrize(
    ("answer", "reads"),
    [
        (b"", 1),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n", 1),
        (b"HTTP/1.1 200 OK\r\n\r\n", 2),
    ],
    ids=["silent", "refusing", "in the handshake"],
)
async def test_after_a_proxy(
    answer: bytes, reads: int, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_service(None, answer, reads) as service:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{service.port}")
        for name in ("https_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        if b"403" in answer:
            with pytest.raises(ProbeError, match="the proxy for .* answered 403"):
                await HttpsPlace(443, ca_file).policy()
        else:
            await cancelled(HttpsPlace(443, ca_file).policy(), service)
        assert service.clients() == 0


async def test_what_comes_while_a_connection_is_closed(tls: ssl.SSLContext, ca_file: str) -> None:
    """asyncio then brings what it has read before, and aiohttp closes the connection once more
    when that is no HTTP: asyncio's transport of TLS has nothing left to abort then."""
    go_on, sent, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await go_on.wait()
        writer.write(b"no size of a chunk\r\n")
        sent.set()
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aiohttp.ClientSession(connector=Connector()) as session:
        response = await session.get(url, ssl=client_context(TlsOptions(ca_file=ca_file)))
        assert await response.content.readany() == b"a"
        assert response.connection
        transport = response.connection.transport
        assert transport
        connected = transport.get_extra_info("socket")
        transport.pause_reading()
        go_on.set()
        await sent.wait()
        await asyncio.sleep(0.1)
        transport.resume_reading()
        response.close()
        await asyncio.sleep(0)
        assert connected.fileno() == -1
        over.set()
