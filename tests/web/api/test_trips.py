"""What the API says of trips."""

import json

from exporter.core.json_output import as_json
from exporter.mail.tokens import candidates
from tests.support.happened_trips import KEY, WHY, get, happened, trip
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import site, until


async def test_a_trip_has_the_same_form_as_on_the_command_line() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY))
        for outcome in (trip(1), trip(2, WHY)):
            whole = json.loads(as_json(outcome)) | {"complete": True}
            assert await get(here, f"/trips/{outcome.trip}") == whole
        listed = await get(here, "/trips")
        assert [one["trip"] for one in listed["items"]] == [trip(2).trip, trip(1).trip]
        full = json.loads(as_json(trip(2, WHY)))
        assert listed["items"][0] == {name: full[name] for name in listed["items"][0]}
        missing = await get(here, "/trips/ffffffffffffff", 404)
        assert missing["message"] == "there is no record of trip ffffffffffffff"


async def test_a_trip_in_progress_has_no_verdict_yet_and_no_token() -> None:
    async with site(delay=None) as here:
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        await until(lambda: bool(here.rig.sender.sent))
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert probe["newest"] is None
        (trip_id,) = probe["in_progress"]
        _, text = await here.get(f"/api/v1/trips/{trip_id}")
        assert [json.loads(text)[field] for field in ("success", "complete")] == [None, False]
        (token, *_) = candidates(here.rig.sender.sent[0].decode())
        assert token not in text


async def test_a_trip_is_complete_when_nothing_more_will_be_known_of_it() -> None:
    async with site() as here:
        await happened(here, trip(1))
        probe = here.probes.get_or_create(KEY)
        probe.compared.add(trip(1).trip)
        assert not (await get(here, f"/trips/{trip(1).trip}"))["complete"]
        probe.compared.clear()
        assert (await get(here, f"/trips/{trip(1).trip}"))["complete"]
