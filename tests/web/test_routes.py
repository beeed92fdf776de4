"""The HTTP side over real sockets, in front of a prober with a pretended mailbox, in real time."""

import asyncio

import pytest

from exporter.core.availability.outage import Outage
from exporter.core.model import Outcome, ProbeKey
from exporter.state.store import Store
from exporter.web.routes import TIMEOUT_HEADER, wait_limit
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


async def test_health_metrics_and_the_page_answer_and_name_no_versions() -> None:
    async with site() as here:
        for path in ("/", "/metrics", "/-/healthy", "/-/ready"):
            async with here.http.get(f"http://{here.host}:{here.port}{path}") as answer:
                assert answer.status == 200
                assert answer.headers["Server"] == "mailtrip"
        assert (await here.get("/metrics", method="HEAD"))[0] == 200
        assert (await here.get("/metrics", method="POST"))[0] == 405


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
        await asyncio.sleep(0.001)
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
