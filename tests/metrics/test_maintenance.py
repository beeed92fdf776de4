"""The series of planned maintenance."""

from dataclasses import replace

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.model import ProbeKey
from exporter.core.scope import RoundTripScope
from exporter.core.timing.clock import Clock
from exporter.metrics.metrics import Metrics
from exporter.metrics.series import Labels
from tests.metrics.test_outcome import FAILURE, SUCCESS
from tests.support.pauses import at_once
from tests.support.scopes import SUBMISSION

NAMED, PAIR = ProbeKey("submission", "a@example.org"), ProbeKey("submission", "b@example.org")


def awaiting(*mailboxes: str) -> RoundTripScope:
    return replace(SUBMISSION, mailboxes=mailboxes)


class Shown:
    """What /metrics shows at a time."""

    def __init__(self, *windows: Window) -> None:
        self.now = 0.0
        self.maintenance = Maintenance(windows)
        clock = Clock(wall=lambda: self.now)
        self.metrics = Metrics(clock=clock, maintenance=self.maintenance)

    def lines(self, now: float) -> set[str]:
        self.now = now
        text = bytes(at_once(self.metrics.everything())).decode()
        words = "maintenance", "planned_"
        return {
            line.removeprefix("mailtrip_")
            for line in text.splitlines()
            if line[0] != "#" and any(word in line.partition("{")[0] for word in words)
        }

    def of_a_pair(self, now: float) -> bool:
        self.now = now
        return "mailtrip_maintenance 1.0" in bytes(at_once(self.metrics.probe(PAIR))).decode()


def move(*probes: str) -> Window:
    return Window("move", probes, Once(100, 200))


def test_a_probe_shows_its_windows_and_one_without_a_window_has_no_series() -> None:
    shown = Shown(move("first", "B@*"))
    shown.metrics.known(NAMED, "first", SUBMISSION)
    shown.metrics.known(PAIR, None, SUBMISSION)
    shown.metrics.known(ProbeKey("submission", "c@example.org"), "other", SUBMISSION)
    counters = {
        'planned_trips_total{probe="first"} 0.0',
        'planned_failures_total{probe="first"} 0.0',
    }
    assert shown.lines(99) == {'maintenance{probe="first"} 0.0', *counters}
    assert shown.lines(100) == {'maintenance{probe="first"} 1.0', *counters}
    assert shown.lines(200) == {'maintenance{probe="first"} 0.0', *counters}
    assert [shown.of_a_pair(now) for now in (99, 100, 200)] == [False, True, False]


def test_the_first_window_of_a_reload_is_shown() -> None:
    shown = Shown()
    shown.metrics.known(NAMED, "first", SUBMISSION)
    assert shown.lines(150) == set()
    shown.maintenance.configure([move("first")])
    assert 'maintenance{probe="first"} 1.0' in shown.lines(150)


def test_planned_trips_are_counted_apart_and_stay_after_their_window_is_removed() -> None:
    shown = Shown(move("first"))
    shown.metrics.known(NAMED, "first", SUBMISSION)
    for outcome in (SUCCESS, FAILURE):
        shown.metrics.finished(replace(outcome, probe=NAMED, planned=True))
    shown.maintenance.configure(())
    assert shown.lines(150) == {
        'planned_trips_total{probe="first"} 2.0',
        'planned_failures_total{probe="first"} 1.0',
    }
    text = bytes(at_once(shown.metrics.everything())).decode()
    assert 'mailtrip_trips_total{probe="first"} 0.0' in text
    assert not any(
        line.startswith("mailtrip_failures_total") and not line.endswith(" 0.0")
        for line in text.splitlines()
    )


def test_a_mailbox_is_in_maintenance_if_all_that_use_it_are() -> None:
    shown = Shown(move("first"), Window("other", ("b@*",), Once(150, 250)))
    shown.metrics.known(NAMED, "first", awaiting("both", "own"))
    shown.metrics.known(PAIR, None, awaiting("both", "shared"))
    shown.metrics.known(ProbeKey("x", "c"), "other", awaiting("shared"))

    def mailboxes(now: float) -> dict[Labels, float]:
        shown.lines(now)
        return shown.metrics.exporter.numbers("mailtrip_mailbox_maintenance")

    assert mailboxes(120) == {("both",): 0, ("own",): 1}
    assert mailboxes(170) == {("both",): 1, ("own",): 1}
    assert mailboxes(220) == {("both",): 0, ("own",): 0}
    shown.maintenance.configure(())
    assert mailboxes(170) == {}
