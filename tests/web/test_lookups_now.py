"""Look-ups by hand: three states with their reasons, the week before, and the manners of lists."""

import asyncio
import json
import time
from contextlib import suppress
from math import ceil
from pathlib import Path

import pytest

from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.blocklists.lookups import MOST_QUESTIONS, MOST_SUBJECTS
from exporter.blocklists.names import Subject
from exporter.blocklists.past import Past, Period
from exporter.core.model import Failure, Listing, ListState, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.settings import Settings
from exporter.state.schema import StateUnusable
from exporter.web import lookups_now
from exporter.web.api.errors import ApiError
from exporter.web.lookups_now import LookupNow, LookupsNow
from exporter.web.pages.time_zone import UTC_ZONE
from tests.support.blocklist_app import TESTS, trip
from tests.support.broken_nameserver import names_server
from tests.support.http_site import words_of
from tests.support.lookup_site import LookupSite, lookup_site
from tests.support.name_server import Zone, name_server
from tests.support.pauses import with_pauses

HOUR = 3600.0
LISTS = (
    "lists: [{zone: bl.example, delisting: 'https://bl.example/off'}, other.example, gone.example]"
)
ZONE: Zone = {
    **TESTS,
    "2.0.0.127.other.example": {"A": ["127.0.0.2"]},
    "9.2.0.192.bl.example": {"A": ["127.0.0.3"], "TXT": ['"spam <b>came</b> from there"']},
}
KEY = ProbeKey("reputation", "192.0.2.9")


def check(number: int, at: float, **states: str) -> Outcome:
    """A check of 192.0.2.9 that ended at that time, with these states of bl, other and gone."""
    listings = tuple(
        Listing(f"{name}.example", "192.0.2.9", ListState(state), text=f"why of {name}")
        for name, state in states.items()
    )
    listed = "listed" in states.values()
    failure = Failure(Phase.VERIFY, None, Reason.LISTED) if listed else None
    return Outcome(f"{number:014x}", KEY, at - 1, 1.0, facts=listings, failure=failure)


async def happened(here: LookupSite, *checks: Outcome) -> None:
    probe = here.app.probes.get_or_create(KEY)
    for one in checks:
        written = here.app.store.finished(one)
        probe.show(one)
    await written


async def test_the_answer_has_three_states_each_with_its_reason() -> None:
    async with name_server(ZONE) as dns, lookup_site(dns, LISTS) as here:
        found = await here.look_up("192.0.2.9")
    assert (found["what"], found["state"], found["configured"]) == ("192.0.2.9", "listed", True)
    (about,) = found["subjects"]
    bl, other, gone = about["answers"]
    assert (bl["state"], bl["codes"], bl["delisting"]) == (
        "listed",
        ["127.0.0.3"],
        "https://bl.example/off",
    )
    assert (bl["reason"], bl["trouble"]) == ("spam <b>came</b> from there", None)
    assert (other["state"], other["reason"], other["trouble"]) == ("clean", None, None)
    assert (gone["state"], gone["reason"]) == ("unknown", None)
    assert "empty or shut down" in gone["trouble"]
    assert [about["probes"], bl["past"], found["past_trouble"]] == [[], None, None]


async def test_the_week_before_says_who_listed_it_since_when_and_which_list_was_usable(
    tmp_path: Path,
) -> None:
    now = time.time()
    checks = [
        check(1, now - 8 * 24 * HOUR, bl="listed", other="listed", gone="clean"),
        check(2, now - 5 * HOUR, bl="clean", other="listed", gone="unknown"),
        check(3, now - 4 * HOUR, bl="unknown", other="listed", gone="unknown"),
        check(4, now - 3 * HOUR, bl="listed", other="clean", gone="unknown"),
        check(5, now - 2 * HOUR, bl="listed", other="clean", gone="unknown"),
    ]
    async with (
        name_server(ZONE) as dns,
        lookup_site(dns, LISTS, "192.0.2.9", state=tmp_path) as here,
    ):
        await happened(here, *checks)
        found = await here.look_up("192.0.2.9")
        _, _, page = await here.post("/lookup", data={"what": "192.0.2.9"})
    (about,) = found["subjects"]
    assert about["probes"] == [{"module": "reputation", "target": "192.0.2.9"}]
    bl, other, gone = [one["past"] for one in about["answers"]]
    at = [pytest.approx(one.finished_at) for one in checks]
    assert bl == {
        "checks": 4,
        "answered": 3,
        "trouble": "why of bl",
        "listed": [{"after": at[1], "first": at[3], "last": at[4], "until": None}],
    }
    assert other["listed"] == [{"after": None, "first": at[1], "last": at[2], "until": at[3]}]
    assert (gone["checks"], gone["answered"], gone["listed"]) == (4, 0, [])

    seen, when = words_of(page), [UTC_ZONE.text(one.finished_at) for one in checks]
    assert f"listed since {when[3]} usable in 3 of 4 checks; last trouble: why of bl" in seen
    assert f"listed from before {when[1]} until {when[3]} usable in 4 checks" in seen
    assert "unknown not usable in 4 checks: why of gone" in seen
    assert "listed now: bl.example in the 7 days before: bl.example, other.example" in seen
    assert "unknown now: gone.example in the 7 days before: gone.example" in seen
    assert "listed by 1 of 2 lists that answered; 1 of 3 is unknown" in seen
    assert "Checked by named" in seen


async def test_what_no_probe_checks_is_plainly_unknown_before_now() -> None:
    async with name_server(ZONE) as dns, lookup_site(dns, LISTS, "192.0.2.1") as here:
        await trip(here.app)
        _, _, page = await here.post("/lookup", data={"what": "192.0.2.9"})
        assert "No probe checks 192.0.2.9, so nothing is known of the time before" in words_of(page)
        assert "lists that agree" not in page
        _, _, page = await here.post("/lookup", data={"what": "192.0.2.1"})
        assert "Checked by named" in words_of(page)
        assert "not listed usable in 1 check" in words_of(page)


async def test_a_long_past_is_read_wholly_and_each_check_once(tmp_path: Path) -> None:
    now = time.time()
    checks = [check(n, now - (150 - n) * HOUR, bl="clean") for n in range(150)]
    async with name_server(ZONE) as dns, lookup_site(dns, LISTS, state=tmp_path) as here:
        await happened(here, *checks)
        found = await here.look_up("192.0.2.9")
        past = found["subjects"][0]["answers"][0]["past"]
        assert (past["checks"], past["answered"], past["listed"]) == (150, 150, [])


async def test_a_trip_that_ends_meanwhile_counts_no_other_one_twice() -> None:
    class Moving:
        """Before each page is read, another trip ends."""

        def __init__(self) -> None:
            now = time.time()
            self.kept = [check(n, now - n, bl="clean") for n in range(25)]

        async def recent(self, probe: object, limit: int, offset: int = 0) -> list[Outcome]:
            page = self.kept[offset : offset + limit]
            self.kept.insert(0, check(100 + offset, time.time(), bl="clean"))
            return page

    async with name_server(ZONE) as dns, lookup_site(dns, LISTS) as here:
        await happened(here, check(0, time.time(), bl="clean"))
        app = here.app
        found = await LookupsNow(app.lookups, app.probes, Moving(), app.clock).run("192.0.2.9")
        assert found.past["192.0.2.9", "bl.example"].checks == 25


async def test_if_the_past_cannot_be_read_the_answer_comes_all_the_same() -> None:
    class Broken:
        async def recent(self, probe: object, limit: int, offset: int = 0) -> list[Outcome]:
            raise StateUnusable("the state cannot be read now: no disk")

    async with name_server(ZONE) as dns, lookup_site(dns, LISTS) as here:
        await happened(here, check(1, time.time(), bl="listed"))
        app = here.app
        broken = LookupsNow(app.lookups, app.probes, Broken(), app.clock)
        found = await broken.run("192.0.2.9")
        assert found.lookup.state is ListState.LISTED
        assert (found.past, found.trouble) == ({}, "the state cannot be read now: no disk")


async def test_the_form_of_the_start_page_needs_no_script_and_its_answer_is_escaped() -> None:
    async with name_server(ZONE) as dns, lookup_site(dns, LISTS) as here:
        for path in ("/", "/lookup"):
            _, page = await here.get(path)
            assert '<form class="search" action="lookup" method="post">' in page
            assert '<input id="what" name="what" value=""' in page
        link = 'The <a href="lookup#what">page for look-ups</a> does not.'
        renewed, paused = [(await here.get(path))[1] for path in ("/", "/?refresh=off")]
        assert (link in renewed, link in paused, link in page) == (True, False, False)
        assert 'http-equiv="refresh"' not in page
        status, headers, page = await here.post("/lookup", data={"what": " 192.0.2.9 "})
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert "script" not in page.lower()
    assert "spam &lt;b&gt;came&lt;/b&gt; from there" in page
    assert '<a href="https://bl.example/off" rel="noreferrer">how to be delisted</a>' in page
    verdict = '<p class="verdict bad"><span class="word">listed</span>: 192.0.2.9 by bl.example</p>'
    assert verdict in page
    assert 'value=" 192.0.2.9 "' in page


@pytest.mark.parametrize("what", ["", "not a host", "https://example.org/", "x" * 300, "<b>"])
async def test_what_is_neither_an_address_nor_a_name_is_refused_in_the_form(what: str) -> None:
    async with names_server(lambda name, kind: None) as server:
        async with lookup_site(server.address, LISTS) as here:
            status, _, page = await here.post("/lookup", data={"what": what})
            assert status == 400
            assert "not a host" in words_of(page)
            assert "<b>" not in page.partition('<main id="main" tabindex="-1">')[2]
            status, _, text = await here.post("/api/v1/blocklists/lookups", json={"what": what})
            assert (status, json.loads(text)["error"]) == (400, "bad_request")
            status, _, text = await here.post("/api/v1/blocklists/lookups", json={"what": [1]})
            assert (status, json.loads(text)["message"]) == (400, "what is not a text")
        assert server.asked == []


async def test_nobody_may_look_up_without_the_flag_or_from_a_foreign_page() -> None:
    foreign = {"Origin": "https://evil.example.com"}
    async with names_server(lambda name, kind: None) as server:
        asked = {"what": "192.0.2.9"}
        async with lookup_site(server.address, LISTS, admin=False) as here:
            assert "lookup" not in (await here.get("/"))[1]
            assert (await here.get("/lookup"))[0] == 403
            for path in ("/lookup", "/api/v1/blocklists/lookups"):
                status, _, text = await here.post(path, data=asked)
                assert (status, "--web.enable-admin-api" in text) == (403, True)
        async with lookup_site(server.address, LISTS) as here:
            for path in ("/lookup", "/api/v1/blocklists/lookups"):
                assert (await here.post(path, data=asked, headers=foreign))[0] == 403
                other = {"Sec-Fetch-Site": "cross-site"}
                assert (await here.post(path, data=asked, headers=other))[0] == 403
        assert server.asked == []


async def test_a_thousand_requests_ask_each_list_a_few_times_only() -> None:
    lists = "lists: [{zone: bl.example, test_points: false}]"
    async with names_server(lambda name, kind: ["127.0.0.2"] if "127" in name else None) as server:
        async with lookup_site(server.address, lists) as here:
            answers = []
            for number in range(1000):
                what = {"what": f"192.0.{number // 250}.{number % 250}"}
                answers.append(await here.post("/api/v1/blocklists/lookups", json=what))
            admitted = [status for status, _, _ in answers if status == 200]
            assert lookups_now.BURST <= len(admitted) <= lookups_now.BURST + 20
            status, headers, text = next(one for one in answers if one[0] != 200)
            assert (status, headers["Retry-After"]) == (429, "2")
            assert "blocklists limit the number of queries" in text
            status, headers, page = await here.post("/lookup", data={"what": "192.0.2.9"})
            assert (status, "too many look-ups" in page) == (429, True)
            assert headers["Retry-After"] == "2"
        assert len(server.asked) <= 2 * len(admitted) + 3


@pytest.mark.slow
async def test_few_run_at_once_and_a_client_that_leaves_gives_its_turn_back() -> None:
    async with name_server({}, silent=True) as dns, lookup_site(dns, LISTS) as here:
        names = [f"192.0.2.{number}" for number in range(lookups_now.MOST_AT_ONCE)]
        running = [asyncio.create_task(here.look_up(one)) for one in names]
        await asyncio.sleep(0.3)
        status, _, text = await here.post("/api/v1/blocklists/lookups", json={"what": "192.0.2.9"})
        assert (status, "too many look-ups" in text) == (429, True)
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0.3)
        found = await here.look_up("192.0.2.9")  # the test of the list has failed meanwhile
        assert found["state"] == "unknown"


@pytest.mark.parametrize(("what", "most"), [("192.0.2.9", 1), ("many.example", MOST_SUBJECTS)])
async def test_a_client_that_leaves_has_used_as_much_as_one_that_stays(
    what: str, most: int
) -> None:
    async with name_server({}, silent=True) as dns, lookup_site(dns, LISTS) as here:
        left = 0
        with pytest.raises(ApiError, match="too many look-ups"):
            while True:
                running = asyncio.create_task(here.lookups.run(what))
                await asyncio.sleep(0.001)
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
                left += 1
        assert left == ceil(lookups_now.BURST / most)


async def test_without_configured_lists_the_free_ones_are_asked() -> None:
    zone: Zone = {
        "2.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2"]},
        "9.9.9.9.zen.spamhaus.org": {"A": ["127.0.0.4"]},
    }
    async with name_server(zone) as dns, lookup_site(dns, LISTS) as here:
        without = f'resolver: {{nameservers: ["{dns}"]}}'
        here.app.configure(Settings.parse(without.encode(), "mailtrip.yml"))
        assert "No list is configured" in (await here.get("/lookup"))[1]
        found = await here.lookups.run("9.9.9.9")
        assert not found.configured
        states = {one.blocklist: str(one.state) for one in found.lookup.answers[0].listings}
        assert states["zen.spamhaus.org"] == "listed"
        assert states["bl.spamcop.net"] == "unknown"
        assert "sbl.spamhaus.org" not in states


async def test_a_look_up_leaves_no_trace_in_the_state_and_the_series() -> None:
    async with name_server(ZONE) as dns, lookup_site(dns, LISTS) as here:
        await trip(here.app)
        before = await recorded(here)
        await here.look_up("192.0.2.9")
        await here.post("/lookup", data={"what": "bad.test"})
        assert await recorded(here) == before


async def recorded(here: LookupSite) -> tuple[object, ...]:
    series = bytes(await here.app.metrics.everything()).decode()
    blocklists = sorted(line for line in series.splitlines() if "dnsbl" in line)
    return await here.app.store.recent(None, 100), blocklists


async def test_the_page_of_very_many_answers_is_written_in_slices() -> None:
    subject, before = Subject.of("192.0.2.9"), Past(9, 9, (Period(1.0, 2.0, 0.0, 3.0),))
    names = [f"bl{number}.example" for number in range(MOST_QUESTIONS)]
    listings = tuple(Listing(name, subject.text, ListState.LISTED) for name in names)
    lookup = Lookup(subject, (SubjectAnswers(subject, "", listings),))
    past = {(subject.text, name): before for name in names}
    async with lookup_site("127.0.0.1:1", LISTS) as here:
        found = LookupNow(lookup, 4.0, True, past, {subject.text: (*here.app.probes,)})
        page, pauses = with_pauses(here.pages.lookup("192.0.2.9", found))
    period = f"listed from {UTC_ZONE.moment(1.0)} until {UTC_ZONE.moment(3.0)}"
    assert page.count(period) == len(names)
    assert pauses > 10
