"""How severe the state of a probe is, in the words that the one who is on call reads."""

import pytest

from exporter.commands.status.judgement import Thresholds
from tests.commands.status.probes import NOW, failed, failure, item, judged, trip


def words(fields: object, **limits: float) -> tuple[str, str]:
    assert isinstance(fields, dict)
    found = judged(fields, Thresholds(**limits))
    return found.severity, found.words


def test_a_message_that_came_is_ok() -> None:
    assert words(item()) == ("ok", "the message took 2.50 s, and came 2 min ago")


def test_a_trip_without_a_message_is_ok_too() -> None:
    fields = item(newest=trip(delay=None))
    assert words(fields) == ("ok", "the trip that ended 2 min ago succeeded")


def test_a_failure_says_for_how_long_how_often_where_and_why() -> None:
    fields = failed(since=NOW - 1380, failures=4)
    said = "failing for 23 min (4 trips): deliver: overdue: not back within 10 min"
    assert words(fields) == ("critical", said)
    assert judged(fields).brief == "deliver: overdue"


def test_a_failure_names_its_step_and_its_code() -> None:
    newest = trip(failure=failure("send", "rejected", step="rcpt", code="550 5.1.1", detail=""))
    said = "failing: send/rcpt: rejected 550 5.1.1"
    assert words(item(newest=newest, failures=1)) == ("critical", said)


@pytest.mark.parametrize(
    ("delay", "severity"),
    [(300.0, "ok"), (300.1, "warning"), (900.0, "warning"), (901.0, "critical")],
)
def test_a_message_may_come_too_late(delay: float, severity: str) -> None:
    found = words(item(newest=trip(delay=delay)), warning=300.0, critical=900.0)
    assert found[0] == severity
    assert ("more than" in found[1]) == (severity != "ok")


def test_without_a_trip_nobody_knows() -> None:
    assert words(item(newest=None)) == ("unknown", "no trip has finished yet")
    fields = item(newest=None, in_progress=["0123456789abcd"])
    assert words(fields) == ("unknown", "no trip has finished yet, the first one is in progress")


@pytest.mark.parametrize(("ended", "severity"), [(1499.0, "ok"), (1501.0, "unknown")])
def test_after_three_intervals_and_a_timeout_a_result_is_stale(ended: float, severity: str) -> None:
    assert words(item(newest=trip(ended)))[0] == severity


def test_a_stale_result_says_what_it_was() -> None:
    fields = item(newest=trip(7200.0, failure=failure(), delay=None))
    said = (
        "the newest trip ended 2 h ago, though one is due every 5 min,"
        " and it failed: deliver: overdue"
    )
    assert words(fields) == ("unknown", said)


@pytest.mark.parametrize("fields", [item(), failed(), item(newest=None)])
def test_planned_maintenance_is_ok_and_says_what_is_behind_it(fields: dict[str, object]) -> None:
    said = words(fields)[1]
    planned = {"maintenance": "patch", "maintenance_ends_at": NOW + 3600}
    assert words(fields | planned) == (
        "ok",
        f"planned maintenance (patch) until 2026-11-30 01:53:20 UTC, {said}",
    )


def test_an_older_mailtrip_says_less() -> None:
    fields = failed(since=NOW - 60)
    del fields["failures"], fields["maintenance_ends_at"]
    fields["maintenance"] = "patch"
    severity, said = words(fields)
    assert severity == "ok"
    assert said.startswith("planned maintenance (patch), failing for 1 min: deliver: overdue")


def test_a_clock_that_is_a_second_behind_does_no_harm() -> None:
    assert words(item(newest=trip(-0.9))) == ("ok", "the message took 2.50 s, and came now")
