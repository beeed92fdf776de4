"""The HTTP side over real sockets, in front of a prober with a pretended mailbox, in real time."""

import asyncio
from contextlib import suppress

import pytest

from exporter.config.types import Listen
from exporter.core.availability.outage import Outage
from exporter.core.model import Outcome, ProbeKey
from exporter.state.store import Store
from exporter.web.limits import Limits
from exporter.web.listeners import CannotListen
from exporter.web.resources import Resources
from exporter.web.routes import TIMEOUT_HEADER, wait_limit
from exporter.web.server import Server
from tests.support.http_site import GOOD, site, until


async def test_a_scrape_makes_a_trip_and_shows_it() -> None:
    async with site() as here:
        status, text = await here.get(GOOD)
        assert status == 200
        assert "probe_success 1.0" in text.splitlines()
        assert (await here.get(GOOD))[1] == text
        assert len(here.rig.sender.sent) == 1


async def test_a_scrape_is_answered_before_prometheus_gives_up() -> None:
    async with site(delay=None) as here:
        loop = asyncio.get_running_loop()
        began = loop.time()
        status, text = await here.get(GOOD, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        assert loop.time() - began < 0.7
        assert status == 200
        assert "mailtrip_trips_in_flight 1.0" in text.splitlines()
        assert "probe_success" not in text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 9.5),
        ("10", 9.5),
        ("0.2", 0),
        ("9.75", 9.25),
        ("x", 9.5),
        ("nan", 9.5),
        ("-1", 9.5),
        ("1e9", 119.5),
    ],
)
def test_the_time_that_a_scrape_may_take(header: str | None, expected: float) -> None:
    assert wait_limit(header) == expected
    assert TIMEOUT_HEADER == "X-Prometheus-Scrape-Timeout-Seconds"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/probe", 400, "parameter module is missing; example: /probe?module="),
        ("/probe?module=submission", 400, "parameter target is missing"),
        ("/probe?module=submission&target=", 400, "parameter target is missing"),
        (
            "/probe?module=submission&target=a@example.org&target=b@example.org",
            400,
            "target is given 2 times",
        ),
        ("/probe?module=submision&target=a@example.org", 400, "did you mean submission?"),
        (
            "/probe?module=submission&target=a@example.com",
            403,
            "target 'a@example.com' is not allowed",
        ),
        ("/probe?module=submission&target=a%0d%0aX:y@example.org", 400, "invalid target"),
        ("/nowhere", 404, "404: Not Found"),
    ],
)
async def test_what_cannot_be_answered_is_one_clear_line(
    path: str, status: int, words: str
) -> None:
    async with site() as here:
        got, text = await here.get(path)
        assert got == status
        assert words in text
        assert len(text.strip().splitlines()) == 1
        assert here.rig.sender.sent == []
        if path.startswith("/probe"):
            refused = [
                line
                for line in (await here.get("/metrics"))[1].splitlines()
                if "refused_total{" in line
            ]
            assert sum(line.endswith(" 1.0") for line in refused) == 1


async def test_health_metrics_and_the_page_answer_and_name_no_versions() -> None:
    async with site() as here:
        for path in ("/", "/metrics", "/-/healthy", "/-/ready"):
            async with here.http.get(f"http://{here.host}:{here.port}{path}") as answer:
                assert answer.status == 200
                assert answer.headers["Server"] == "mailtrip"
        assert (await here.get("/metrics", method="HEAD"))[0] == 200
        assert (await here.get("/metrics", method="POST"))[0] == 405


@pytest.mark.parametrize(
    "sent", [b"EHLO test\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_who_speaks_no_http_learns_nothing_and_fills_no_log(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        reader, writer = await here.raw()
        writer.write(sent)
        answer = (await reader.read()).decode()
        assert answer.startswith("HTTP/1.0 400")
        assert answer.endswith("\r\n\r\nnot an HTTP request\n")
        assert "Server: mailtrip\r\n" in answer
        assert caplog.records == []
        writer.close()


async def test_everything_from_outside_is_escaped_on_the_page() -> None:
    async with site() as here:
        key = ProbeKey("submission", "<script>alert(1)</script>@example.org")
        here.probes.get_or_create(key)
        text = (await here.get("/"))[1]
        assert "&lt;script&gt;" in text
        assert "<script>" not in text


async def test_who_hangs_up_ends_the_waiting_and_not_the_trip() -> None:
    async with site(delay=None) as here:
        _, writer = await here.raw()
        writer.write(f"GET {GOOD} HTTP/1.1\r\nHost: x\r\n{TIMEOUT_HEADER}: 100\r\n\r\n".encode())
        await until(lambda: len(here.rig.sender.sent) == 1)
        assert len(here.server._routes._waits) == 1
        writer.close()
        await writer.wait_closed()
        await until(lambda: not here.server._routes._waits)
        assert [
            len(probe.flights) for probe in here.probes if probe.key.target == "a@example.org"
        ] == [1]


@pytest.mark.parametrize(
    "sent", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "]
)
async def test_half_a_header_is_not_waited_for(sent: bytes) -> None:
    async with site(Limits(header=0.2)) as here:
        reader, writer = await here.raw()
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_idle_clients_do_not_keep_a_scrape_out() -> None:
    async with site(Limits(connections=5, header=600)) as here:
        idle = [await here.raw() for _ in range(20)]
        assert (await here.get("/-/healthy"))[0] == 200
        for reader, _ in idle[:16]:  # those that have been idle for the longest had to go
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        for _, writer in idle:
            writer.close()


async def test_a_client_that_is_being_answered_is_dropped_neither_for_a_new_one_nor_for_the_time_it_takes() -> (
    None
):
    async with site(Limits(connections=1, header=0.1), delay=0.3) as here:
        scrape, scraper = await here.raw()
        scraper.write(f"GET {GOOD} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: len(here.rig.sender.sent) == 1)
        reader, writer = await here.raw()
        assert await reader.read() == b""
        assert b"200 OK" in await scrape.readuntil(b"\nprobe_success 1.0\n")
        writer.close()
        scraper.close()


async def test_a_kept_connection_may_be_used_again_and_not_for_ever() -> None:
    async with site(Limits(idle=0.2)) as here:
        reader, writer = await here.raw()
        for _ in range(2):
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"mailtrip is up\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_does_not_read_its_answers_is_dropped() -> None:
    async with site(Limits(stalled=0.2)) as here:
        _, writer = await here.raw()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            # Until all buffers on the way are full, and the server has lost its patience.
            while True:
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                await writer.drain()
        assert (await here.get("/-/healthy"))[0] == 200


@pytest.mark.parametrize(
    "header", [b"X-Long: " + b"x" * 100_000, b"\r\n".join(b"X-%d: y" % n for n in range(100_000))]
)
async def test_a_header_without_measure_is_refused(
    header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        reader, writer = await here.raw()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        with suppress(
            ConnectionResetError
        ):  # then the answer was lost, since we were still sending
            assert (await reader.read()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        writer.close()
        assert caplog.records == []
        assert (await here.get("/-/healthy"))[0] == 200


async def test_a_bug_is_a_500_that_tells_nothing_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site() as here:
        here.rig.metrics.everything = lambda form: 1 // 0  # type: ignore[assignment,misc,method-assign]
        status, text = await here.get("/metrics")
        assert status == 500
        assert "ZeroDivisionError" not in text
        assert "ZeroDivisionError" in caplog.text


async def test_an_address_in_use_is_named() -> None:
    async with site() as here:
        listen = [Listen("127.0.0.1:0"), Listen(f"{here.host}:{here.port}")]
        with pytest.raises(
            CannotListen, match=rf"cannot listen on {here.host}:{here.port}: address already in use"
        ):
            async with Server(Resources(here.probes, here.rig.metrics, here.pages), listen):
                pass


@pytest.mark.parametrize(
    ("listen", "problem"),
    [("192.0.2.1:1", "cannot assign requested address"), ("a..b:1", "not a host name")],
)
async def test_an_address_that_is_not_ours_is_named(listen: str, problem: str) -> None:
    async with site() as here:
        with pytest.raises(CannotListen, match=f"^cannot listen on {listen}: {problem}$"):
            async with Server(
                Resources(here.probes, here.rig.metrics, here.pages), [Listen(listen)]
            ):
                pass


async def test_it_listens_on_several_addresses() -> None:
    async with site() as here:
        listen = [Listen("127.0.0.1:0"), Listen("127.0.0.2:0")]
        async with Server(Resources(here.probes, here.rig.metrics, here.pages), listen) as server:
            for host, port in server.addresses:
                async with here.http.get(f"http://{host}:{port}/-/ready") as answer:
                    assert answer.status == 200


async def test_stopping_lets_a_running_scrape_finish() -> None:
    async with site(delay=0.4) as here:
        scrape = asyncio.create_task(here.get(GOOD))
        await until(lambda: len(here.rig.sender.sent) == 1)
        await here.server.__aexit__()
        assert "probe_success 1.0" in (await scrape)[1].splitlines()


@pytest.mark.slow
async def test_stopping_does_not_wait_for_a_trip_that_takes_long_and_answers_with_what_is_known() -> (
    None
):
    async with site(delay=None) as here:
        scrape = asyncio.create_task(here.get(GOOD))
        await until(lambda: len(here.rig.sender.sent) == 1)
        await here.server.__aexit__()
        status, text = await scrape
        assert status == 200
        assert "mailtrip_trips_in_flight 1.0" in text.splitlines()


class Counting(Store):
    """Notes how many read it at the same time."""

    at_once = most = 0

    async def outage(self, outage_id: str) -> Outage | None:
        await self._counted()
        return await super().outage(outage_id)

    async def outcome(self, trip_id: str, probe: ProbeKey | None = None) -> Outcome | None:
        await self._counted()
        return await super().outcome(trip_id, probe)

    async def _counted(self) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1


@pytest.mark.parametrize(
    "path",
    [
        "/trips/{:014x}",
        "/outages/{:014x}",
        "/api/v1/trips/{:014x}",
        "/api/v1/outages/{:014x}",
        "/probe?module=submission&target={}@example.org&debug=true",
    ],
)
async def test_what_is_read_from_disk_is_made_one_at_a_time(path: str) -> None:
    """Else one client with many connections would keep the disk from all others."""
    store = Counting.open(None)
    assert isinstance(store, Counting)
    async with site(store=store) as here:
        for number in range(20):
            key = ProbeKey("submission", f"{number}@example.org")
            probe = here.probes.get_or_create(key)
            probe.remember(Outcome(f"{number:014x}", key, 1.0, 1.0), [])
        answers = await asyncio.gather(*(here.get(path.format(number)) for number in range(20)))
        assert {status for status, _ in answers} <= {200, 404}
        assert store.most == 1
