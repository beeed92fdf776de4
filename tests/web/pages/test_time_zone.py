"""Times on the pages: for readers in their zone, and exact for machines."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.web import pages
from exporter.web.pages.outages import OutageQuery
from exporter.web.pages.pages import Pages, PageSettings
from exporter.web.pages.time_zone import UTC_ZONE, TimeZone
from exporter.web.pages.trip_facts import details
from tests.support.every_fact import EVERY_FACT
from tests.support.happened_trips import WHY, happened, trip
from tests.support.http_site import Site, site, words_of

BERLIN = TimeZone.named("Europe/Berlin")
TIME = re.compile(r"\d\d:\d\d:\d\d")
ELEMENT = re.compile(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">[^<]+ (\w+)</time>')
DRAWN = re.compile("<pre.*?</pre>|<svg.*?</svg>", re.DOTALL)


def texts(zone: TimeZone, *moments: float) -> list[str]:
    return [zone.text(one) for one in moments]


def test_both_changes_of_the_clock_are_right() -> None:
    spring, autumn = 1_774_746_000.0, 1_792_890_000.0  # 01:00 UTC on 29 March and 25 October 2026
    assert texts(BERLIN, spring - 1, spring) == [
        "2026-03-29 01:59:59 CET",
        "2026-03-29 03:00:00 CEST",
    ]
    assert texts(BERLIN, autumn - 1, autumn, autumn - 1800, autumn + 1800) == [
        "2026-10-25 02:59:59 CEST",
        "2026-10-25 02:00:00 CET",
        "2026-10-25 02:30:00 CEST",
        "2026-10-25 02:30:00 CET",
    ]
    first, second = BERLIN.moment(autumn - 1800), BERLIN.moment(autumn + 1800)
    assert first == '<time datetime="2026-10-25T00:30:00Z">2026-10-25 02:30:00 CEST</time>'
    assert second == '<time datetime="2026-10-25T01:30:00Z">2026-10-25 02:30:00 CET</time>'


def test_the_date_is_left_out_if_it_is_that_of_now_in_the_zone() -> None:
    noon, late = 1_795_950_000.0, 1_795_908_600.0
    assert UTC_ZONE.text(late) == "2026-11-28 23:30:00 UTC"
    assert BERLIN.time_of_day(late, noon) == (
        '<time datetime="2026-11-28T23:30:00Z">00:30:00 CET</time>'
    )
    assert "2026-11-28 23:30:00 UTC" in UTC_ZONE.time_of_day(late, noon)
    assert "2026-11-29 00:30:00 CET" in BERLIN.time_of_day(late, late - 7200)


def test_a_zone_without_letters_says_its_distance_to_utc() -> None:
    assert TimeZone.named("America/Sao_Paulo").text(0.0) == "1969-12-31 21:00:00 UTC-03"
    assert TimeZone.named("Asia/Kathmandu").text(1e9) == "2001-09-09 07:31:40 UTC+0545"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_no_time_is_too_early_or_too_late(zone: str) -> None:
    for seconds in (-1e18, -62_135_596_800.0, 0.0, 253_402_300_799.0, 1e18):
        assert "</time>" in TimeZone.named(zone).moment(seconds)


async def pages_of(here: Site, zone: TimeZone) -> dict[str, str]:
    now = here.rig.clock.wall()
    window = Window("move", ("nam*",), Once(now - 3600, now + 3600))
    made = Pages(
        here.probes,
        here.rig.store,
        here.rig.watchers,
        here.rig.clock.wall,
        Maintenance([window]),
        PageSettings(zone=zone),
    )
    failed = trip(1, WHY)
    found = {
        "start": await made.overview(),
        "trips": await made.trips(failed.probe),
        "trip": await made.trip(failed.trip),
        "outage": await made.outage(failed.trip),
        "outages": await made.outages(OutageQuery()),
        "report": await made.report(made.report_query({"month": "2023-11"})),
        "lookup": await made.lookup(),
        "missing": await made.missing("trip", "0" * 14),
        "mailbox": await made.mailbox(next(iter(here.rig.watchers))),
        "error": await made.error(404, "none", ""),
    }
    return {name: str(page) for name, page in found.items()}


async def test_every_time_on_a_page_is_exact_for_machines_and_says_its_zone() -> None:
    async with site() as here:
        await happened(here, trip(0), trip(1, WHY), trip(2, WHY), trip(3), trip(4))
        utc, berlin = await pages_of(here, UTC_ZONE), await pages_of(here, BERLIN)
    for found, zones in ((utc, {"UTC"}), (berlin, {"CET", "CEST"})):
        for name, page in found.items():
            assert ELEMENT.search(page), name
            assert set(ELEMENT.findall(page)) <= zones, name
            assert not TIME.search(ELEMENT.sub("", DRAWN.sub("", page))), name
    assert "began 2023-11-14 22:14:20 UTC" in words_of(utc["outage"])
    assert "began 2023-11-14 23:14:20 CET" in words_of(berlin["outage"])
    assert "2023-11-14 23:13:20 CET to 2023-11-14 23:17:20 CET; 2 of 5" in words_of(berlin["trips"])
    assert '<text x="1.0%" y="168" text-anchor="start">23:13:20</text>' in berlin["trips"]
    assert "All times in UTC" in utc["report"]
    assert "The month is one of UTC; all times in Europe/Berlin" in berlin["report"]


def test_the_times_of_facts_are_in_the_zone_of_the_page() -> None:
    outcome = replace(trip(0), facts=tuple(EVERY_FACT))
    shown = {name: "".join(parts) for name, parts, _ in details(outcome, BERLIN)}
    for name, text in shown.items():
        assert not TIME.search(re.sub("<time.*?</time>", "", text)), name
    times = {name for name, text in shown.items() if ">2023-11-1" in text and " CET</" in text}
    assert times == {"written", "arrived late", "last heartbeat", "next one due by"}
    assert '<time datetime="2027-01-15T08:00:00Z">2027-01-15</time>' in shown["TLS, send"]


def test_templates_write_no_zone_of_their_own() -> None:
    """They would be wrong in every other one."""
    for template in (Path(pages.__file__).parent / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8").replace("in UTC", "").replace("of UTC", "")
        text = text.replace('zone == "UTC"', "")
        assert "UTC" not in text, template.name
