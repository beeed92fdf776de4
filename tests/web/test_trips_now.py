"""Trips by hand: at most one per gap, for any number of requests."""

import asyncio
import re

from exporter.core.model import ProbeKey
from exporter.probing.probes import ProbeTable
from exporter.probing.scheduler import Scheduler
from exporter.web.trips_now import TripNow, TripsNow
from tests.probing.test_probes import SETTINGS
from tests.support import virtual_time as virtual
from tests.support.http_site import Site, site, until
from tests.support.prober_rig import INTERVAL, ProberRig

GAP = 5.0
KEY = ProbeKey("submission", "a@example.org")


def trips_now(rig: ProberRig) -> TripsNow:
    """Trips of one probe."""
    rig.probe.key, rig.probe.schedule.gap = KEY, GAP
    table = ProbeTable(SETTINGS, rig.prober, rig.metrics, rig.clock, lambda *_: rig.probe)
    return TripsNow(table)


@virtual.on_a(ProberRig)
async def test_a_thousand_requests_in_a_minute_make_one_trip_per_gap(rig: ProberRig) -> None:
    now, started = trips_now(rig), list[TripNow]()
    rig.sender.delay = 0.5
    for _ in range(1000):
        started.append(await now.start(KEY))
        await asyncio.sleep(0.06)
    made = [one.trip for one in started if one.started]
    assert len(rig.sender.sent) == len(made) == len(set(made)) == 12
    assert {one.trip for one in started} == set(made)


@virtual.on_a(ProberRig)
async def test_many_requests_at_once_get_the_same_trip(rig: ProberRig) -> None:
    now = trips_now(rig)
    answers = await asyncio.gather(*(now.start(KEY) for _ in range(50)))
    assert len({one.trip for one in answers}) == 1
    assert len(rig.sender.sent) <= 1


@virtual.on_a(ProberRig)
async def test_a_trip_in_progress_is_the_answer_however_long_it_takes(rig: ProberRig) -> None:
    now = trips_now(rig)
    rig.sender.delay = None
    first = await now.start(KEY)
    await asyncio.sleep(10 * GAP)
    assert await now.start(KEY) == TripNow(first.trip, started=False)
    assert len(rig.sender.sent) == 1


@virtual.on_a(ProberRig)
async def test_the_interval_counts_from_a_trip_by_hand(rig: ProberRig) -> None:
    """Otherwise the next one came soon after it, or only after twice the time."""
    now = trips_now(rig)
    rig.probe.name = "gmail"
    scheduler = Scheduler(rig.prober, rig.clock, lambda: [rig.probe])
    beating = asyncio.create_task(scheduler.run())
    await asyncio.sleep(10)
    assert len(rig.sender.sent) == 1
    assert (await now.start(KEY)).started
    await asyncio.sleep(INTERVAL - 2)
    assert len(rig.sender.sent) == 2
    await asyncio.sleep(4)
    assert len(rig.sender.sent) == 3
    await asyncio.sleep(10 * INTERVAL)
    assert len(rig.sender.sent) == 13
    beating.cancel()


async def post(here: Site, path: str, **options: object) -> tuple[int, dict[str, str], str]:
    url = f"http://{here.host}:{here.port}{path}"
    async with here.http.post(url, allow_redirects=False, **options) as answer:  # type: ignore[arg-type]
        return answer.status, dict(answer.headers), await answer.text()


async def test_the_answer_of_the_api_is_the_trip_and_its_link() -> None:
    async with site(admin=True, delay=None) as here:
        asked = {"module": "submission", "target": "a@example.org"}
        status, headers, text = await post(here, "/api/v1/trips", json=asked)
        (trip,) = here.probes.find(KEY).flights
        assert status == 202
        assert headers["Location"] == f"/api/v1/trips/{trip}"
        assert f'"trip": "{trip}", "started": true' in text
        assert (await here.get(headers["Location"]))[0] == 200
        status, headers, text = await post(here, "/api/v1/trips", data=asked)
        assert (status, headers["Location"]) == (200, f"/api/v1/trips/{trip}")
        assert '"started": false' in text
        assert (await here.get(f"/trips/{trip}"))[0] == 200


async def test_a_request_may_say_of_which_configuration_the_trip_shall_be() -> None:
    async with site(admin=True) as here:
        asked = {"module": "submission", "target": "a@example.org"}
        other = asked | {"configuration": "0" * 64}
        status, _, text = await post(here, "/api/v1/trips", json=other)
        assert (status, here.rig.sender.sent) == (409, [])
        assert "another configuration of module submission: reload it" in text
        ours = asked | {"configuration": here.probes.settings.digest_of("submission")}
        assert (await post(here, "/api/v1/trips", json=ours))[0] == 202


async def test_a_request_that_names_no_allowed_probe_makes_no_trip() -> None:
    async with site(admin=True) as here:
        for asked, expected in (
            ({}, 400),
            ({"probe": "nobody"}, 404),
            ({"probe": ["gmail"]}, 400),
            ({"probe": "gmail", "module": "submission"}, 400),
            ({"module": "submission"}, 400),
            ({"module": "nothing", "target": "a@example.org"}, 400),
            ({"module": "submission", "target": "a@example.com"}, 403),
        ):
            status, _, text = await post(here, "/api/v1/trips", json=asked)
            assert (status, text.count("\n")) == (expected, 1), (asked, text)
        assert here.rig.sender.sent == []


async def test_the_button_leads_to_the_trip_that_it_makes() -> None:
    page_of = "/trips?module=submission&target=a@example.org"
    async with site(admin=True, delay=None) as here:
        _, page = await here.get(page_of)
        assert re.search('<form class="now" action="trips" method="post">', page)
        asked = dict(re.findall('<input type="hidden" name="(.*?)" value="(.*?)">', page))
        status, headers, _ = await post(here, "/trips", data=asked)
        (trip,) = here.probes.find(KEY).flights
        assert (status, headers["Location"]) == (303, f"trips/{trip}")
        await until(lambda: len(here.rig.sender.sent) == 1)
        foreign = {"Origin": "https://evil.example.com"}
        assert (await post(here, "/trips", data=asked, headers=foreign))[0] == 403
    async with site() as here:
        assert "<form" not in (await here.get(page_of))[1]
        status, _, text = await post(here, "/trips", data=asked)
        assert (status, "--web.enable-admin-api" in text) == (403, True)
        status, _, text = await post(here, "/api/v1/trips", data=asked)
        assert (status, "--web.enable-admin-api" in text) == (403, True)
        assert here.rig.sender.sent == []
