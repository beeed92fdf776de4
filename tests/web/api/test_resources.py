"""What the API says of probes, trips, outages, mailboxes and blocklists."""

import json
from dataclasses import replace
from typing import Any

import pytest

from exporter.core.facts import Arrival
from exporter.core.json_output import as_json
from exporter.core.model import Failure, Listing, ListState, Outcome, ProbeKey, QueriedList
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import candidates
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import Site, site, until

KEY = ProbeKey("submission", "a@example.org")
WHY = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", "no such user")
STARTED = 1_700_000_000.0


def trip(number: int, failure: Failure | None = None, probe: ProbeKey = KEY) -> Outcome:
    """A trip that began so many minutes after the first."""
    facts = () if failure else (Arrival("INBOX", "header", 1.5, 2.5),)
    return Outcome(f"{number:014x}", probe, STARTED + 60 * number, 3.0, (), facts, failure)


async def happened(here: Site, *outcomes: Outcome) -> None:
    """As at the end of these trips."""
    for outcome in outcomes:
        probe, started = here.probes.get_or_create(outcome.probe), outcome.started_at - STARTED
        probe.show(outcome, started)
        here.rig.store.finished(outcome)
        for outage in probe.outages.add(outcome, started, started):
            here.rig.store.keep_outage(outage)


async def get(here: Site, path: str, status: int = 200) -> Any:
    got, text = await here.get(f"/api/v1{path}")
    assert got == status, text
    return json.loads(text)


async def test_a_probe_that_fails_says_since_when_and_why() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(3, WHY))
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert (probe["module"], probe["target"]) == ("submission", "a@example.org")
        assert probe["state"] == "failed"
        assert probe["since"] == STARTED + 120
        assert probe["outage"] == trip(2).trip
        assert probe["newest"]["trip"] == trip(3).trip
        assert probe["newest"]["failure"]["reason"] == "rejected"
        assert probe["interval"] == 300
        assert probe["in_progress"] == []


async def test_a_probe_that_works_again_says_since_when() -> None:
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2))
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert (probe["state"], probe["since"], probe["outage"]) == ("ok", STARTED + 120, None)
        assert (probe["newest"]["delay"], probe["newest"]["round_trip"]) == (1.5, 2.5)


async def test_availability_is_what_outages_leave_of_a_day_and_of_a_month() -> None:
    async with site() as here:
        now = here.rig.clock.wall()
        first, failed, good, last = (
            replace(trip(number), started_at=now - ago)
            for number, ago in enumerate((40 * 86400, 7200, 3600, 0))
        )
        await happened(here, first, replace(failed, facts=(), failure=WHY), good, last)
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert probe["availability"]["day"] == pytest.approx(1 - 3600 / 86400, abs=1e-4)
        assert probe["availability"]["month"] == pytest.approx(1 - 3600 / (30 * 86400), abs=1e-6)


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


async def test_outages_are_listed_by_probe_and_by_whether_they_last() -> None:
    other = ProbeKey("submission", "b@example.org")
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2), trip(3, WHY), trip(4, WHY, other))

        async def listed(query: str) -> list[str]:
            return [one["outage"] for one in (await get(here, f"/outages{query}"))["items"]]

        assert await listed("") == [trip(4).trip, trip(3).trip, trip(1).trip]
        assert await listed("?lasting=true") == [trip(4).trip, trip(3).trip]
        assert await listed("?lasting=false") == [trip(1).trip]
        assert await listed("?module=submission&target=b@example.org") == [trip(4).trip]
        await get(here, "/outages?lasting=maybe", 400)
        outage = await get(here, f"/outages/{trip(1).trip}")
        assert outage["watched"]
        assert (outage["start"], outage["end"]) == (STARTED + 60, STARTED + 120)
        assert (outage["seconds"], outage["failures"]) == (60, 1)
        assert (outage["leg"], outage["reasons"]) == ("send", ["send/rejected"])
        assert (outage["first_trip"], outage["last_trip"]) == (trip(1).trip, trip(1).trip)
        await get(here, "/outages/ffffffffffffff", 404)


@pytest.mark.parametrize("path", ["/probes", "/trips", "/outages"])
async def test_pages_have_every_item_once(path: str) -> None:
    probes = [ProbeKey("submission", f"{number}@example.org") for number in range(5)]
    async with site() as here:
        await happened(here, *(trip(n, WHY, probe) for n, probe in enumerate(probes)))
        whole = (await get(here, path))["items"]
        assert len(whole) >= 5
        parts, following = [], f"/api/v1{path}?limit=2"
        while following:
            page = json.loads((await here.get(following))[1])
            assert len(page["items"]) <= 2
            parts += page["items"]
            following = page["next"]
        for one in (*whole, *parts):
            one.pop("seconds", None)  # of outages that last
            one.pop("availability", None)
        assert parts == whole


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "offset=-1",
        "offset=99999999999",
        "limit=1&limit=2",
        "state=broken",
        f"search={'x' * 400}",
    ],
)
async def test_what_cannot_be_listed_is_one_clear_line(query: str) -> None:
    async with site() as here:
        error = await get(here, f"/probes?{query}", 400)
        assert error["error"] == "bad_request"
        assert "\n" not in error["message"]


async def test_probes_that_do_not_exist_are_refused_as_on_other_pages() -> None:
    async with site() as here:
        assert (await get(here, "/trips?probe=x", 404))["error"] == "unknown_probe"
        assert (await get(here, "/trips?module=x&target=y", 400))["error"] == "unknown_module"
        assert (await get(here, "/outages?module=submission", 400))["error"] == "bad_request"


async def test_mailboxes_say_what_is_wrong_with_them() -> None:
    async with site() as here:
        first, second = (await get(here, "/mailboxes"))["items"]
        assert (first["name"], second["name"]) == ("monitor", "sender")
        assert (first["trouble"], first["next_attempt_at"], first["deleted"]) == (None, None, 0)


async def test_a_mailbox_says_since_when_it_is_connected_and_how_many_trips_wait() -> None:
    async with site(delay=None) as here:
        began = here.rig.clock.wall()
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        await until(lambda: here.rig.watchers["monitor"].connected_since is not None)
        first, second = (await get(here, "/mailboxes"))["items"]
        assert (first["waiting"], second["waiting"]) == (1, 0)
        assert began <= first["connected_since"] <= here.rig.clock.wall()
        assert second["connected_since"] is None


async def test_blocklists_are_usable_or_say_why_not() -> None:
    facts = (
        QueriedList("bl.example.org", True),
        Listing("bl.example.org", "192.0.2.1", ListState.LISTED, ("127.0.0.2",), since=7.5),
        QueriedList("gone.example.org", False, "REFUSED", since=9.5),
    )
    async with site() as here:
        await happened(here, replace(trip(1), facts=facts))
        assert (await get(here, "/blocklists"))["items"] == [
            {
                "name": "bl.example.org",
                "usable": True,
                "trouble": None,
                "unusable_since": None,
                "listed": ["192.0.2.1"],
                "listings": [{"subject": "192.0.2.1", "since": 7.5}],
                "more_listed": 0,
                "alarming": True,
            },
            {
                "name": "gone.example.org",
                "usable": False,
                "trouble": "REFUSED",
                "unusable_since": 9.5,
                "listed": [],
                "listings": [],
                "more_listed": 0,
                "alarming": True,
            },
        ]
