"""The pages about outages, and what other pages say of the one that lasts."""

import json
import re
from dataclasses import replace

import pytest

from exporter.core.availability.outage import Outage
from exporter.core.facts import Change, Changes
from exporter.core.model import Failure, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.probing.outages import Outages
from exporter.state.thinning import FAILURES, KEEP, NEWEST, SUCCESSES
from exporter.state.trip import Moment
from exporter.web.pages.documentation import SITE
from exporter.web.pages.outages import PER_PAGE, OutageQuery, OutageView
from exporter.web.pages.probe_link import probe_query
from tests.support.happened_trips import KEY, WHY, happened, trip
from tests.support.http_site import Site, site, words_of
from tests.web.test_pages import EVIL, FAILED

OTHER = ProbeKey("submission", "b@example.org")
TLS = Failure(Phase.SEND, Step.TLS, Reason.TLS, "", "handshake failed")


async def page_of(here: Site, path: str, expected: int = 200) -> str:
    status, page = await here.get(path)
    assert status == expected, page
    return page


async def test_an_outage_says_when_how_long_where_why_and_what_ended_it() -> None:
    async with site() as here:
        await happened(here, trip(0), trip(1, WHY), trip(2, TLS), trip(3, WHY), trip(5))
        words = words_of(await page_of(here, f"/outages/{trip(1).trip}"))
        assert "over after 4 min" in words
        assert "began 2023-11-14 22:14:20 UTC" in words
        assert "ended 2023-11-14 22:18:20 UTC" in words
        assert "failed trips 3 leg send (the server that the message is sent to" in words
        assert "why, in order send/rejected , then send/tls" in words
        assert "planned not planned" in words
        assert f"first failed trip {trip(1).trip} , started 2023-11-14 22:14:20" in words
        assert f"last failed trip {trip(3).trip} , started 2023-11-14 22:16:20" in words
        assert "554: no such user" in words
        assert f"OK trip before it {trip(0).trip} , started 2023-11-14 22:13:20" in words
        assert f"OK trip after it {trip(5).trip} , started 2023-11-14 22:18:20" in words


async def test_the_start_page_and_that_of_a_probe_say_since_when_it_fails() -> None:
    async with site() as here:
        now = here.rig.clock.wall()
        for number, ago in ((1, 7500.0), (2, 7200.0)):
            await happened(here, replace(trip(number, WHY), started_at=now - ago))
        of_probe = "/trips?module=submission&target=a@example.org"
        for path, text in (("/", " for 2 h 5 min, 2 trips"), (of_probe, ", for 2 h 5 min")):
            page = await page_of(here, path)
            assert text in words_of(page)
            assert f'href="outages/{trip(1).trip}">failing since' in page or path != "/"
            assert f'href="outages/{trip(1).trip}"' in page
        assert "lasts : 2 h 5 min so far" in words_of(
            await page_of(here, f"/outages/{trip(1).trip}")
        )
        await happened(here, replace(trip(3), started_at=now))
        assert "outages/" not in await page_of(here, of_probe)
        assert "failing since" not in (page := await page_of(here, "/"))
        assert "over 2 h 5 min leg: send" in words_of(page)


async def test_of_a_removed_probe_nobody_knows_whether_its_outage_lasts() -> None:
    gone = ProbeKey("removed", "a@example.org")
    async with site() as here:
        outages = Outages(gone)
        for outcome in (trip(1, WHY, gone), trip(3, WHY, gone)):
            here.rig.store.finished(outcome)
            for outage in outages.add(outcome, outcome.started_at, 0.0):
                here.rig.store.keep_outage(outage)
        words = words_of(await page_of(here, f"/outages/{trip(1).trip}"))
        assert "not watched any more : 2 min until its last trip" in words
        assert "ended unknown: this probe makes no more trips" in words
        assert "not watched any more 2 min" in words_of(await page_of(here, "/outages"))
        words = words_of(await page_of(here, "/report?month=2023-11"))
        assert "a@example.org not watched any more send/rejected 2" in words
        _, text = await here.get(f"/api/v1/outages/{trip(1).trip}")
        assert (json.loads(text)["watched"], json.loads(text)["seconds"]) == (False, 120.0)
        words = words_of(await page_of(here, f"/trips/{trip(3).trip}"))
        assert "2 min until the last trip of this probe" in words


async def test_outages_are_listed_by_probe_and_by_whether_they_last() -> None:
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2), trip(3, WHY), trip(4, WHY, OTHER))

        async def listed(query: str) -> list[str]:
            page = await page_of(here, f"/outages{query}")
            return re.findall('href="outages/([0-9a-f]{14})"', page)

        first, second, third = (trip(number).trip for number in (1, 3, 4))
        assert await listed("") == [third, second, first]
        assert await listed("?lasting=true") == [third, second]
        assert await listed("?module=submission&target=a@example.org") == [second, first]
        assert await listed("?page=2") == []
        for wrong, status in (("lasting=no", 400), ("page=0", 400), ("probe=x", 404)):
            await page_of(here, f"/outages?{wrong}", status)


async def test_many_outages_have_pages_and_each_link_keeps_the_question() -> None:
    async with site() as here:
        for number in range(0, 2 * PER_PAGE + 4, 2):
            await happened(here, trip(number, WHY), trip(number + 1))
        page = await page_of(here, "/outages?module=submission&target=a@example.org")
        assert len(re.findall('href="outages/', page)) == PER_PAGE
        (older,) = re.findall('<a href="([^"]+)" rel="next">', page)
        page = await page_of(here, f"/{older.replace('&amp;', '&')}")
        assert len(re.findall('href="outages/', page)) == 2
        assert 'rel="prev"' in page
        assert 'rel="next"' not in page
    query = OutageQuery(KEY, lasting=True, page=3)
    assert query.link == "outages?module=submission&target=a%40example.org&lasting=true&page=3"


async def test_a_link_to_an_old_trip_is_answered_with_its_verdict() -> None:
    async with site() as here:
        await happened(here, *(trip(number) for number in range(SUCCESSES + 1)))
        failed = [
            replace(FAILED, trip=f"{100 + n:014x}", started_at=trip(100 + n).started_at)
            for n in range(FAILURES + 2)
        ]
        await happened(here, *failed)
        for old, words in (
            (trip(0).trip, "OK : round trip 2.50 s, delivery delay 1.50 s"),
            (f"{101:014x}", f"failed : {WHY.phase}/{WHY.step}: {WHY.reason} 554"),
        ):
            page = words_of(await page_of(here, f"/trips/{old}"))
            assert words in page
            assert "keeps only the verdict of this trip" in page
            assert "Transcript" not in page
        whole = words_of(await page_of(here, f"/trips/{100:014x}"))
        assert "keeps only" not in whole, "the first trip of an outage is kept whole"
        assert "Transcript" in whole


async def test_of_a_trip_that_is_no_longer_kept_its_outage_is_known() -> None:
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2, WHY), trip(3))
        at = trip(3).finished_at + KEEP + 1
        here.rig.store.forget_expired(Moment("boot", 0.0, at))
        page = await page_of(here, f"/trips/{trip(1).trip}", 404)
        assert "failed : send/rejected, started 2023-11-14 22:14:20 UTC" in words_of(page)
        assert f'href="../outages/{trip(1).trip}"' in page
        assert "There is no other record" in page
        page = await page_of(here, f"/trips/{trip(2).trip}", 404)
        assert "There is no record" in page


async def test_the_list_of_a_probe_has_pages_and_says_what_is_no_longer_kept() -> None:
    async with site() as here:
        await happened(here, trip(0, WHY))
        await happened(here, *(trip(1 + number) for number in range(NEWEST + 68)))
        address, shown = "trips?module=submission&target=a@example.org", list[str]()
        while address:
            page = await page_of(here, f"/{address.replace('&amp;', '&')}")
            table = page[page.index("<table") :]
            shown += re.findall('<a href="trips/([0-9a-f]{14})"', table)
            assert ("21 OK trips not shown" in page) is (trip(69).trip in page)
            assert ("45 OK trips not shown" in page) is (trip(47).trip in page)
            address = "".join(re.findall('<a href="([^"]+)" rel="next">', page))
        newest = [trip(NEWEST + 68 - n).trip for n in range(NEWEST)]
        of_hour, of_day = trip(47).trip, trip(1).trip
        assert shown == [*newest, of_hour, of_day, trip(0).trip]
        await page_of(here, "/trips?module=submission&target=a@example.org&page=0", 400)
        beyond = await page_of(here, "/trips?module=submission&target=a@example.org&page=99")
        assert 'rel="prev"' in beyond


async def test_each_reason_of_an_outage_leads_to_its_runbook() -> None:
    junk = Failure(Phase.VERIFY, None, Reason.JUNK, "", "filed as spam")
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2, junk), trip(3))
        listed = await page_of(here, "/outages")
        page = await page_of(here, f"/outages/{trip(1).trip}")
    assert f'<a href="{SITE}alerts.md#mailtripfailing">send/rejected</a>, <a' in listed
    assert f'<a href="{SITE}alerts.md#mailtripfailing">send/rejected</a>' in page
    assert f', then <a href="{SITE}alerts.md#mailtripmailjunked">verify/junk</a>' in page
    assert "Delivery delays of 3 trips" in page
    assert "The line marks the first failed trip." in page


async def test_an_outage_says_what_to_do_first_about_its_newest_failure() -> None:
    junk = Failure(Phase.VERIFY, None, Reason.JUNK, "", "filed as spam")
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2, junk), trip(3, WHY))
        page = await page_of(here, f"/outages/{trip(1).trip}")
    assert f"First: {Reason.REJECTED.first_step}" in page
    assert Reason.JUNK.first_step not in page


async def test_an_outage_says_what_changed_when_it_began() -> None:
    change = Change("left_from", "", ("192.0.2.7",), ("192.0.2.9",))
    found = Changes("good", 1_700_000_000.0, (change,), (), ())
    async with site() as here:
        await happened(here, replace(trip(1, WHY), facts=(found,)), trip(2, WHY))
        page = await page_of(here, f"/outages/{trip(1).trip}")
        listed = await page_of(here, f"/trips?{probe_query(KEY)}")
    assert "the leaving address: 192.0.2.9 instead of 192.0.2.7" in page
    assert f'<a href="../trips/{trip(1).trip}#changes">' in page
    assert "the leaving address" not in listed


def test_what_to_do_first_is_known_without_the_last_trip_or_left_out() -> None:
    words = ("send/connect", "verify/junk")
    outage = Outage("a", KEY, 1.0, 2.0, None, 2, "a", "b", None, words, 0.0, planned=False)
    assert OutageView(outage, None, 3.0).first_step(None) == Reason.JUNK.first_step
    for unknown in (("send/of_another_version",), ()):
        strange = replace(outage, reasons=unknown)
        assert OutageView(strange, None, 3.0).first_step(None) == ""


@pytest.mark.parametrize(
    ("leg", "reasons", "word"),
    [
        (Leg.SEND, ("verify/listed",), "send"),
        (None, ("verify/listed", "verify/unusable"), "none"),
        (None, ("verify/listed", "open/timeout"), "unknown"),
        (None, ("verify/of_another_version",), "unknown"),
        (None, (), "unknown"),
    ],
)
def test_checks_of_blocklists_have_no_leg(
    leg: Leg | None, reasons: tuple[str, ...], word: str
) -> None:
    outage = Outage("a", KEY, 1.0, 2.0, None, 2, "a", "b", leg, reasons, 0.0, planned=False)
    assert OutageView(outage, None, 3.0).leg == word


async def test_an_outage_without_a_record_is_not_found() -> None:
    async with site() as here:
        assert "No outage ffffffffffffff" in await page_of(here, "/outages/ffffffffffffff", 404)
        assert "404" in await page_of(here, "/outages/x", 404)


@pytest.mark.parametrize("kept", [True, False])
async def test_evidence_is_linked_while_it_is_kept_and_nobody_s_words_become_markup(
    kept: bool,
) -> None:
    why = replace(WHY, detail=EVIL)
    async with site() as here:
        if kept:
            await happened(here, trip(1, why))
        else:
            probe = here.probes.get_or_create(KEY)
            for outage in probe.outages.add(trip(1, why), 60.0, 60.0):
                here.rig.store.keep_outage(outage)
        page = await page_of(here, f"/outages/{trip(1).trip}")
        assert (f'href="../trips/{trip(1).trip}"' in page) is kept
        assert ("(no longer kept)" in page) is not kept
        assert "<script" not in page
        assert ("&lt;script&gt;" in page) is kept
