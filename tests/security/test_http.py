"""HTTP that nobody should speak: too much of it, too slowly, or such as two readers understand in
two ways."""

import asyncio
import contextlib
import re
import selectors
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.web.api.fields import READ
from exporter.web.basic_auth import BasicAuth
from exporter.web.limits import Limits
from tests.security.conftest import Start
from tests.security.test_requests import CONFIGURATION, fetch, say
from tests.support.http_site import site, until
from tests.support.mailtrip_process import Exporter
from tests.support.web_config_folder import PASSWORD, USERS, Folder
from tests.web.test_basic_auth import SlowBcrypt, basic, guesses
from tests.web.test_bodies import large, reading
from tests.web.test_bodies import request as unread

pytestmark = pytest.mark.slow

UNREAD = 256 << 10  # bytes


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One for all tests here: none of them may leave a trace in it."""
    running = Exporter(CONFIGURATION.format(port=1), tmp_path_factory.mktemp("mailtrip"))
    yield running
    running.kill()


def test_sizes(exporter: Exporter) -> None:
    """A request line or a header of more than 8 KiB is refused with 400, a body of more than 1
    KiB with 413, a chunked body with 411, and the connection is closed."""
    large = b"x" * 9000
    for request, status in (
        (b"GET /" + large + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + large + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + large + b": x\r\n\r\n", b"400"),
        (
            b"POST /-/reload HTTP/1.0\r\nHost: x\r\nContent-Length: 1025\r\n\r\n" + large[:1025],
            b"413",
        ),
        (
            b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n" + large[:1025],
            b"413",
        ),
        (
            b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"411",
        ),
    ):
        answer = say(exporter, request)
        assert answer[9:12] == status, (request[:40], answer)
    assert fetch(exporter, "/-/healthy")[0] == 200


def test_smuggled_requests(exporter: Exporter) -> None:
    """A request whose end is ambiguous is refused, and its connection is closed: the bytes
    after it are never processed as another request."""
    smuggled = b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n"
    for headers in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 36\r\n\r\n",
        b"Content-Length: 0, 0\r\n\r\n",
        b"Content-Length: +0\r\n\r\n",
        b"Content-Length: 0x0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"X: y\rContent-Length: 0\r\n\r\n",
        b"X: y\n\r\nContent-Length: 0\r\n\r\n",
    ):
        for version in (b"1.0", b"1.1"):
            answer = say(
                exporter,
                b"POST /-/reload HTTP/" + version + b"\r\nHost: x\r\n" + headers + smuggled,
            )
            assert b"modules:" not in answer, (version, headers)
            assert answer[9:12] in (b"400", b"411"), (version, headers, answer)
            assert answer.count(b"HTTP/1.") == 1, (version, headers, answer)


async def test_bodies_that_do_not_come(exporter: Exporter) -> None:
    """If an announced body does not arrive, mailtrip closes the connection: at once, or after 10 s
    if it needs the body (`--web.enable-admin-api`)."""
    for path, status in (("/-/reload", 200), ("/trips", 403), ("/api/v1/trips", 403)):
        request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1024\r\n\r\nx"
        answer = await asyncio.to_thread(say, exporter, request.encode())
        assert answer.startswith(f"HTTP/1.1 {status}".encode())
        assert answer.count(b"HTTP/1.") == 1
    assert READ == 10
    async with site(admin=True) as here:
        reader, writer = await here.raw()
        writer.write(b"POST /api/v1/trips HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        async with asyncio.timeout(60):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert answer.count(b"HTTP/1.") == 1
        writer.close()


@pytest.mark.parametrize("limits", [Limits(header=0.3), Limits(idle=0.3)])
async def test_slow_headers(limits: Limits) -> None:
    """A client that does not send its first request header within 10 s, or the next one within
    75 s after an answer, is disconnected, even if it sends a header slowly."""
    async with site(limits) as here:
        reader, writer = await here.raw()
        if limits.idle < 1:
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"is up\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        dripping = asyncio.create_task(drip(writer))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        dripping.cancel()
        writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


def test_nonsense(exporter: Exporter) -> None:
    """Data that is not HTTP is answered with 400, or not at all, and writes nothing to the log."""
    before = exporter.log.read_text()
    for request in (
        b"\0" * 3000,
        b"EHLO me\r\nMAIL FROM:<>\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x7f" * 500,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[:: HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:"
            b" chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFFFFFF\r\n"
        ),
        b"GET / HTTP/1.1\r\nHost: x\r\nX\r\n injected: y\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        answer = say(exporter, request)
        assert answer == b"" or answer[9:12] == b"400", (request[:40], answer)
    assert exporter.log.read_text() == before
    assert fetch(exporter, "/-/healthy")[0] == 200


def test_silent_clients(exporter: Exporter) -> None:
    """Six hundred idle clients do not prevent other clients from being answered; at most 512
    are connected."""
    host, _, port = exporter.address.rpartition(":")
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ended:
        for number in range(600):
            source = (f"127.0.1.{number % 6 + 1}", 0)
            client = stack.enter_context(
                socket.create_connection((host, int(port)), 60, source_address=source)
            )
            ended.register(client, selectors.EVENT_READ)
        for _ in range(5):
            assert fetch(exporter, "/metrics")[0] == 200
        assert len(ended.select(0)) >= 600 - 512


async def test_clients_that_do_not_read(start: Start) -> None:
    """Clients that request large answers and do not read them share one answer, cost less than 256
    KiB each, and do not block other clients. They are disconnected after 10 s without reading, or
    if they have not read the whole answer within 60 s."""
    probes = "".join(
        f"  - {{name: p{n:099}, module: open, target: a{n}@lab.test}}\n" for n in range(400)
    )
    exporter = start(f"{CONFIGURATION.format(port=1)}probes:\n{probes}")
    host, _, port = exporter.address.rpartition(":")
    assert len(fetch(exporter, "/metrics")[2]) > 6 * UNREAD
    before = memory(exporter)
    with contextlib.ExitStack() as stack:
        for number in range(150):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.bind((f"127.0.1.{number % 2 + 1}", 0))
            client.settimeout(60)
            client.connect((host, int(port)))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(1, socket.MSG_PEEK)  # at once: it is disconnected after 10 s
        for _ in range(5):
            assert fetch(exporter, "/-/healthy")[0] == 200
        assert memory(exporter) - before < 150 * UNREAD
    for limits in (Limits(stalled=0.1), Limits(answer=0.1)):
        async with large(limits) as here:
            client = await unread(here)
            await until(lambda: bool(reading(here)))
            await until(lambda: not reading(here))
            client.close()


def memory(exporter: Exporter) -> int:
    """Bytes that are in use."""
    return int(re.findall(r"VmRSS:\s+(\d+) kB", exporter.status)[0]) << 10


async def test_wrong_logins(tmp_path: Path) -> None:
    """Wrong logins, however many and from any address, neither block a login that was
    successful before nor close its connection: bcrypt checks them one after another, with a
    queue of 32 for one address; more are refused (429)."""
    slow = SlowBcrypt()
    async with site(
        Limits(connections=40, per_address=35),
        middleware=Folder(tmp_path).middleware(USERS, BasicAuth(slow)),
    ) as here:
        right = basic("alice", PASSWORD)
        request = (
            f"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nAuthorization: {right}\r\n\r\n".encode()
        )
        reader, writer = await here.raw()
        for _ in range(3):
            writer.write(request)
            await reader.readuntil(b"mailtrip is up\n")
            slow.go.clear()
            attack = [*guesses(here, 50, "127.0.0.1"), *guesses(here, 50, "127.0.0.2")]
            await until(lambda: sum(task.done() for task in attack) >= 30)  # noqa: B023
            assert (await here.get("/-/healthy", Authorization=right))[0] == 200
            slow.go.set()
            assert set(await asyncio.gather(*attack)) <= {429, 401, 0}
        writer.close()
