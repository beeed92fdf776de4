"""What the web configuration file limits and adds, how it is read again, and what nobody may use
up."""

import asyncio
from contextlib import suppress
from itertools import product

import pytest

from exporter.net.listening import client_network
from exporter.web.limits import Limits
from tests.support.http_site import GOOD, Site, site, until
from tests.support.web_config_folder import HASH, TLS, USERS, Folder

HEALTHY = "/-/healthy"
HEADERS = """\
http_server_config:
  headers:
    X-Frame-Options: deny
    Content-Security-Policy: default-src 'none'
"""
LIMIT = "rate_limit: {interval: 1h, burst: 3}\n"


async def statuses(here: Site, number: int) -> list[int]:
    return [(await here.get(HEALTHY))[0] for _ in range(number)]


async def test_requests_beyond_the_limit_are_answered_with_429_before_anything_else(
    folder: Folder,
) -> None:
    async with site(middleware=folder.middleware(LIMIT + USERS + HEADERS)) as here:
        assert await statuses(here, 5) == [401, 401, 401, 429, 429]
        async with here.http.get(f"http://{here.host}:{here.port}/metrics") as answer:
            assert (answer.status, await answer.text()) == (429, "Too Many Requests\n")
            assert answer.headers["X-Frame-Options"] == "deny"


async def test_a_limit_that_stays_the_same_is_not_filled_up_by_other_changes(
    folder: Folder,
) -> None:
    async with site(middleware=folder.middleware(LIMIT)) as here:
        assert await statuses(here, 4) == [200, 200, 200, 429]
        folder.write(LIMIT + HEADERS)
        assert await statuses(here, 1) == [429]
        folder.write(LIMIT.replace("3", "2"))
        assert await statuses(here, 3) == [200, 200, 429]
        folder.write("rate_limit: {interval: 0}")
        assert await statuses(here, 5) == [200] * 5
        folder.write(HEADERS)
        assert await statuses(here, 5) == [200] * 5


async def test_headers_are_on_every_answer(folder: Folder) -> None:
    async with site(middleware=folder.middleware(HEADERS)) as here:
        for path, method in product(("/", HEALTHY, "/nowhere", "/probe"), ("GET", "DELETE")):
            async with here.http.request(method, f"http://{here.host}:{here.port}{path}") as answer:
                assert answer.headers["X-Frame-Options"] == "deny"
                assert answer.headers.getall("Content-Security-Policy") == ["default-src 'none'"]
                assert answer.headers["Server"] == "mailtrip"
        folder.write("http_server_config: {headers: {X-XSS-Protection: 1; mode=block}}")
        async with here.http.get(f"http://{here.host}:{here.port}/") as answer:
            assert answer.headers["X-XSS-Protection"] == "1; mode=block"
            assert "X-Frame-Options" not in answer.headers


async def test_a_mistake_is_told_once_and_what_was_read_last_stays(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(middleware=folder.middleware(USERS)) as here:
        for text, told in (
            (
                "basic_auth_users: {alice: hunter2}",
                "web.yml:1:27: basic_auth_users.alice: not a bcrypt hash",
            ),
            (
                "",
                "web.yml:1:1: this file contains no configuration",
            ),  # between an editor's truncating and writing
            ("users: {}\nlimits: {}", "web.yml:1:1: users: unknown key"),
            (
                TLS.replace("server.key", "nowhere.key"),
                "web.yml:3:13: tls_server_config.key_file: ",
            ),
        ):
            caplog.clear()
            folder.write(text)
            assert await statuses(here, 3) == [401, 401, 401]
            (record,) = caplog.records
            assert record.getMessage().startswith(
                "cannot reload the web configuration, keeping the previous version: "
            )
            assert told in record.getMessage()
            assert "\n" not in record.getMessage()
            assert "hunter2" not in record.getMessage()
        folder.file.unlink()
        assert await statuses(here, 2) == [401, 401]
        folder.write(f"basic_auth_users: {{bob: {HASH}}}\n{HEADERS}")
        async with here.http.get(f"http://{here.host}:{here.port}/") as answer:
            assert (answer.status, answer.headers["X-Frame-Options"]) == (401, "deny")


async def test_a_certificate_that_was_missing_is_enough_to_mend_the_file(folder: Folder) -> None:
    async with site(middleware=folder.middleware(HEADERS)) as here:
        (folder.path / "server.crt").rename(folder.path / "away")
        folder.write(TLS)
        assert await statuses(here, 2) == [200, 200]
        (folder.path / "away").rename(folder.path / "server.crt")
        async with here.http.get(
            f"https://{here.host}:{here.port}/", ssl=folder.client()
        ) as answer:
            assert answer.status == 200


@pytest.mark.slow
async def test_a_large_body_is_refused_before_it_is_read() -> None:
    async def refused(here: Site, method: str) -> None:
        reader, writer = await here.raw()
        writer.write(
            f"{method} {HEALTHY} HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 10000000000\r\n\r\n".encode()
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 "), method
        assert b"Connection: close" in await reader.read(), method
        writer.close()

    async with site() as here, asyncio.TaskGroup() as group:
        for method in ("GET", "POST", "PUT"):  # at once: we go on for a while to read the body
            group.create_task(refused(here, method))


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        (b"Content-Length: 1025", b"x" * 1025, b"413"),
        (b"Transfer-Encoding: chunked", b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n", b"411"),
        (b"Transfer-Encoding: chunked", b"0\r\n\r\n", b"411"),
    ],
)
async def test_after_a_body_that_is_refused_the_connection_ends(
    header: bytes, body: bytes, status: bytes
) -> None:
    """The body is there as a whole, so that the connection could go on with the request behind
    it."""
    async with site() as here:
        reader, writer = await here.raw()
        request = b"GET " + HEALTHY.encode() + b" HTTP/1.1\r\nHost: x\r\n"
        writer.write(request + header + b"\r\n\r\n" + body + request + b"\r\n")
        answers = await reader.read()
        assert answers.startswith(b"HTTP/1.1 " + status)
        assert answers.count(b"HTTP/1.1") == 1
        assert b"connection: close" in answers.lower()
        writer.close()


@pytest.mark.slow
async def test_a_body_without_end_is_not_listened_to() -> None:
    async with site() as here:
        reader, writer = await here.raw()
        writer.write(
            f"GET {HEALTHY} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await reader.read(65536)
        writer.close()
        await until(lambda: not here.server._connection_limits._connections)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"G" * 100_000,
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_a_request_without_measure_is_refused(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        reader, writer = await here.raw()
        with suppress(ConnectionError):  # then the answer was lost, since we were still sending
            writer.write(sent)
            assert (await reader.read()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        writer.close()
        assert caplog.records == []
        assert await statuses(here, 1) == [200]


async def test_one_address_cannot_take_all_connections() -> None:
    """Not even by asking for something that takes its time."""
    async with site(Limits(connections=8, per_address=4), delay=None) as here:
        ask = f"GET {GOOD} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        greedy = [
            await asyncio.open_connection(here.host, here.port, local_addr=("127.0.0.2", 0))
            for _ in range(4)
        ]
        for _, writer in greedy:
            writer.write(ask)
        await until(lambda: len(here.server._routes._waits) == 4)
        reader, fifth = await asyncio.open_connection(
            here.host, here.port, local_addr=("127.0.0.2", 0)
        )
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert await statuses(here, 2) == [200, 200]
        assert len(here.server._routes._waits) == 4
        for _, writer in [*greedy, (None, fifth)]:
            writer.close()


async def test_an_address_loses_the_connection_that_is_idle_for_longest_and_others_none() -> None:
    async with site(Limits(connections=8, per_address=2, header=600)) as here:
        other, keep = await asyncio.open_connection(
            here.host, here.port, local_addr=("127.0.0.3", 0)
        )
        idle = [
            await asyncio.open_connection(here.host, here.port, local_addr=("127.0.0.2", 0))
            for _ in range(5)
        ]
        for reader, _ in idle[:3]:
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        for reader, writer in [(other, keep), *idle[3:]]:
            writer.write(f"GET {HEALTHY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert b"200 OK" in await reader.readuntil(b"mailtrip is up\n")
        for _, writer in [*idle, (other, keep)]:
            writer.close()


@pytest.mark.parametrize(
    ("peer", "origin"),
    [
        (("192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:0db8:0001:0002"),
        (("2001:db8:1:2::1", 1, 0, 0), "2001:0db8:0001:0002"),
        (("fe80::1%eth0", 1, 0, 2), "fe80:0000:0000:0000"),
        (("::ffff:192.0.2.1", 1, 0, 0), "192.0.2.1"),
        ("", ""),
        (None, ""),
    ],
)
def test_who_counts_as_one_client(peer: object, origin: str) -> None:
    assert client_network(peer) == origin
