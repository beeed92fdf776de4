"""The report of a month as a page, and as files."""

import csv
import json
import re
from dataclasses import replace
from io import StringIO

import pytest

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.account_output import json_lines
from exporter.core.availability.downtime import Downtime
from exporter.core.model import ProbeKey
from exporter.web.pages.pages import Pages
from exporter.web.pages.report import MOST_OUTAGES, PER_PAGE, ReportQuery
from exporter.web.pages.time_zone import UTC_ZONE
from tests.core.availability.test_downtime import ENDED
from tests.support.chromium import DESKTOP, PHONE, Browser
from tests.support.happened_trips import WHY, happened, trip
from tests.support.http_site import site, words_of
from tests.support.pauses import with_pauses
from tests.web.pages.test_outages import page_of
from tests.web.test_chromium import look

NOVEMBER = Month(2023, 11)
OTHER = ProbeKey("submission", "<b>@example.org")


async def test_the_page_has_a_line_for_each_probe_and_each_outage() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(4), trip(9), trip(1, probe=OTHER))
        page = await page_of(here, "/report?month=2023-11")
        words = words_of(page)
        assert "Report, 2023-11" in words
        # For 120 s of 483: the one with the lower availability comes first.
        first = "a@example.org 75.155 % available 1 outage down 2 min planned 0 s"
        second = "<b>@example.org 100.000 % available 0 outages"
        assert words.index(first) < words.index(second)
        assert 'href="trips?module=submission&amp;target=a%40example.org"' in page
        assert f'<a href="outages/{trip(2).trip}">{UTC_ZONE.moment(1_700_000_120.0)}</a>' in page
        assert "a@example.org 2 min send/rejected 1 failed trip" in words


async def test_an_outage_that_lasts_says_for_how_long_so_far() -> None:
    async with site() as here:
        now = here.rig.clock.wall()
        await happened(here, replace(trip(1, WHY), started_at=now - 7500))
        query = f"/report?month={Month.of(now - 7500)}"
        assert "a@example.org 2 h 5 min so far send/rejected" in words_of(
            await page_of(here, query)
        )


async def test_nothing_of_it_is_cut_on_a_phone(browser: Browser) -> None:
    def look_at() -> None:
        for width in (PHONE, DESKTOP):
            browser.open(f"http://{here.host}:{here.port}/report?month=2023-11", width)
            right = (
                "return Math.max(...[...document.querySelectorAll('td')].map(e =>"
                " e.getBoundingClientRect().right))"
            )
            assert browser.evaluate(right) <= width
            assert browser.evaluate("return document.documentElement.scrollWidth") == width
        assert browser.complaints == []

    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(4), trip(9), trip(1, probe=OTHER))
        await look(look_at)


async def test_it_is_linked_from_the_start_page_and_to_the_months_beside() -> None:
    async with site() as here:
        assert '<a href="report">report</a>' in await page_of(here, "/")
        now = here.rig.clock.wall()
        page = await page_of(here, "/report")
        assert f"Report, {Month.of(now)}" in page
        assert f'href="report?month={Month.of(now).previous}" rel="prev"' in page
        assert 'rel="next"' not in page
        assert "No probe made a trip in this month." in page
        page = await page_of(here, f"/report?month={Month.of(now).previous}")
        assert f'href="report?month={Month.of(now)}" rel="next"' in page
        assert 'rel="prev"' not in await page_of(here, "/report?month=2023-11")


async def test_files_say_what_the_command_says() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(4))
        root = f"http://{here.host}:{here.port}"
        async with here.http.get(f"{root}/report?month=2023-11&format=csv") as answer:
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            disposition = answer.headers["Content-Disposition"]
            assert disposition == 'attachment; filename="mailtrip-2023-11.csv"'
            (row,) = csv.DictReader(StringIO(await answer.text()))
        assert (row["target"], row["trips"], row["outages"]) == ("a@example.org", "3", "1")
        document = json.loads(await page_of(here, "/report?month=2023-11&format=json"))
        accounts = await here.rig.store.account(NOVEMBER, here.rig.clock.wall())
        assert document == json.loads("".join(json_lines(NOVEMBER, accounts, lambda _: None)))
        assert document["probes"][0]["outages"][0]["id"] == trip(2).trip


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("month=october", "'october' is no month: write for example 2026-10"),
        ("month=2099-01", "2099-01 has not begun"),
        ("format=pdf", "unknown format 'pdf'; use csv or json, or leave it out"),
        ("page=0", "page '0' is not a page number; the first page is 1"),
        ("month=2023-11&month=2023-11", "parameter month is given 2 times"),
    ],
)
async def test_a_wrong_address_is_one_clear_line(query: str, problem: str) -> None:
    async with site() as here:
        assert await page_of(here, f"/report?{query}", 400) == f"{problem}\n"


def test_links_keep_the_month_and_a_file_has_all_pages() -> None:
    query = ReportQuery(NOVEMBER, 3)
    assert query.link == "report?month=2023-11&page=3"
    assert ReportQuery.parse({"month": "2023-11", "page": "3"}, NOVEMBER.end) == query
    assert query.at(1).link == query.of(NOVEMBER).link == "report?month=2023-11"
    assert query.as_file("csv").link == "report?month=2023-11&format=csv"


class ManyRecords:
    """The accounts of many probes, each with outages."""

    def __init__(self, probes: int, outages: int) -> None:
        self._accounts = [
            ProbeAccount(
                ProbeKey("submission", f"{number}@example.org"),
                NOVEMBER.start,
                NOVEMBER.end,
                *(8640, 1, 0, 0, 0, 0),
                tuple(replace(ENDED, start=NOVEMBER.start + one) for one in range(outages)),
                Downtime(NOVEMBER.end - NOVEMBER.start, 300.0 if number else 600.0, 0.0),
                (0, 8640, *([0] * 7)),
            )
            for number in range(probes)
        ]

    async def account(self, month: Month, now: float) -> list[ProbeAccount]:
        return [*self._accounts]


@pytest.mark.parametrize(("probes", "outages"), [(10_000, 2), (100, 200)])
async def test_ten_thousand_probes_have_pages_and_are_written_in_slices(
    probes: int, outages: int
) -> None:
    async with site() as here:
        pages = Pages(here.probes, ManyRecords(probes, outages), {}, here.rig.clock.wall)  # type: ignore[arg-type]
        page, pauses = with_pauses(pages.report(ReportQuery(NOVEMBER, 2)))
        assert isinstance(page, str)
        assert len(re.findall('href="trips', page)) == PER_PAGE
        assert len(re.findall('href="outages/', page)) == MOST_OUTAGES
        assert pauses > 10
        assert ("more are not shown" in page) == (outages == 200)
        for form in ("csv", "json"):
            text, pauses = with_pauses(pages.report(ReportQuery(NOVEMBER, format=form)))
            assert pauses > 4
            assert len(bytes(text).splitlines()) > probes  # type: ignore[arg-type]


async def test_the_lowest_availability_is_on_the_first_page() -> None:
    async with site() as here:
        pages = Pages(here.probes, ManyRecords(1000, 0), {}, here.rig.clock.wall)  # type: ignore[arg-type]
        page, _ = with_pauses(pages.report(ReportQuery(NOVEMBER)))
        assert isinstance(page, str)
        assert page.index("99.976 %") < page.index("99.988 %")
        assert "1,000 probes, the lowest availability first." in page
