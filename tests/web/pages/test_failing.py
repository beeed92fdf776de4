"""What fails, at a glance."""

import re
from dataclasses import replace
from itertools import count

import pytest

from exporter.checks.check import MailCheck
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.home import Home
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.tokens import Token
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from exporter.web.pages.failing import MOST_CAUSES, MOST_NAMES, failing_now
from exporter.web.pages.probe_list import matches
from exporter.web.pages.time_zone import UTC_ZONE
from tests.support.http_site import site
from tests.support.pauses import at_once, with_pauses
from tests.web.pages.test_probe_list import PROBES, probes
from tests.web.test_pages import FAILED, kept

NOW = 1_700_010_000.0
DOWN = Failure(Phase.OPEN, Step.CONNECT, Reason.CONNECT, "", "refused")
REFUSED = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", "no")
TRIPS = count()


class NeverRun(MailCheck):
    late_after, home = 1.0, Home.MESSAGE

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox

    async def run(self, run: Run, token: Token) -> None: ...

    async def resume(self, run: Run, trip: str) -> None: ...


def probe(
    name: str, failure: Failure | None, module: str = "m", box: str = "box", at: float = 100.0
) -> Probe:
    one = Probe(
        ProbeKey(module, f"{name}@example.org"), NeverRun(box), Schedule(300), 600, 30, name
    )
    show(one, failure, at)
    return one


def show(one: Probe, failure: Failure | None, at: float) -> Outcome:
    trip = f"{next(TRIPS):014x}"
    outcome = replace(FAILED, trip=trip, probe=one.key, failure=failure, started_at=at)
    one.show(outcome, at)
    one.outages.add(outcome, at, at)
    return outcome


def test_probes_with_one_broken_mailbox_are_one_cause_and_those_of_other_modules_are_not() -> None:
    many = [
        probe("a", DOWN, "m", at=300.0),
        probe("b", DOWN, "n", at=200.0),
        probe("c", DOWN, "n", "other"),
        probe("d", REFUSED, "m"),
        probe("e", REFUSED, "n"),
        probe("f", None),
    ]
    show(many[1], DOWN, 400.0)
    found = at_once(failing_now(many, Maintenance(), NOW))
    assert found.headline == "5 of 6 probes are failing"
    first, *others = found.causes
    assert (first.probes, first.common.place, first.mailbox) == (2, "box", True)
    assert first.since == 200.0
    assert first.newest.started_at == 400.0
    assert [one.called for one in first.named] == ["a", "b"]
    assert first.first_step == Reason.CONNECT.first_step
    assert first.runbook.endswith("#mailtripfailing")
    assert {(one.probes, one.common.place) for one in others} == {
        *((1, "other"), (1, "m"), (1, "n"))
    }
    for cause in found.causes:  # its link leads to a list with all of them
        words = cause.query.search.lower().split()
        listed = [one.called for one in many if matches(one, words)]
        assert {one.called for one in cause.named} <= set(listed)


def test_a_broken_mailbox_is_a_cause_since_it_broke() -> None:
    """A probe may have failed for another cause before."""
    many = [probe("a", REFUSED, at=100.0), probe("b", REFUSED, at=50.0)]
    show(many[0], DOWN, 300.0)
    found = at_once(failing_now(many, Maintenance(), NOW, {"box": 250.0, "other": 1.0}))
    assert {(one.common.reason, one.since) for one in found.causes} == {
        (Reason.CONNECT, 250.0),
        (Reason.REJECTED, 50.0),
    }


def test_many_probes_and_causes_are_cut() -> None:
    many = [probe(f"{number}", REFUSED, f"m{number % 9}") for number in range(90)]
    found = at_once(failing_now(many, Maintenance(), NOW))
    assert (len(found.causes), found.more) == (MOST_CAUSES, 9 - MOST_CAUSES)
    assert {(one.probes, len(one.named)) for one in found.causes} == {(10, MOST_NAMES)}


def test_what_fails_in_planned_maintenance_is_counted_apart_and_is_no_cause() -> None:
    window = Window("move", ("a",), Once(NOW - 60, NOW + 60))
    maintenance = Maintenance([window])
    found = at_once(failing_now([probe("a", DOWN), probe("b", None)], maintenance, NOW))
    assert (found.planned, found.unplanned, found.causes) == (1, 0, [])
    assert found.headline == "No failure; 1 of 2 probes are OK"


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([], "There are no probes yet"),
        ([None], "The probe is OK"),
        ([None, None], "All 2 probes are OK"),
        ([None, DOWN], "1 of 2 probes is failing"),
        ([DOWN], "The probe is failing"),
    ],
)
def test_one_sentence_says_how_things_are(failures: list[Failure | None], words: str) -> None:
    many = [probe(f"{number}", one) for number, one in enumerate(failures)]
    assert at_once(failing_now(many, Maintenance(), NOW)).headline == words


def test_probes_without_a_result_are_neither_ok_nor_failing() -> None:
    unknown = probes(10)[9]
    assert (
        at_once(failing_now([unknown], Maintenance(), NOW)).headline == "No trip has finished yet"
    )
    some = at_once(failing_now([unknown, probe("a", None)], Maintenance(), NOW))
    assert some.headline == "No failure; 1 of 2 probes are OK"


def test_many_probes_are_looked_at_in_turns() -> None:
    _, pauses = with_pauses(failing_now(PROBES * 20, Maintenance(), NOW))
    assert pauses >= 40


async def test_the_start_page_says_what_fails_since_when_why_and_what_to_do_first() -> None:
    async with site() as here:
        assert 'rel="icon" href="icon.svg"' in (await here.get("/"))[1]
        await kept(here, FAILED)
        _, page = await here.get("/")
        (icon,) = re.findall(r'rel="icon" href="([^"]*)"', page)
        assert (await here.get("/iconXsvg"))[0] == 404
        status, drawing = await here.get(f"/{icon}")
    assert (icon, status, drawing[:4]) == ("icon-failing.svg", 200, "<svg")
    assert "<title>1 failing · mailtrip</title>" in page
    assert "1 of 2 probes is failing" in page
    assert f"First: {Reason.REJECTED.first_step}" in page
    assert f"since <b>{UTC_ZONE.moment(1_700_000_000.0)}</b>" in page
    assert 'alerts.md#mailtripfailing">runbook</a>' in page
