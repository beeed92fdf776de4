"""What the exporter keeps of all probes: who is known, forgotten, changed, and what then counts."""

from dataclasses import replace

import pytest

from exporter.core.facts import LateArrival
from exporter.core.model import ProbeKey
from exporter.core.scope import BlocklistScope, HeartbeatScope
from exporter.metrics.exporter import Readings
from exporter.metrics.metrics import Metrics
from tests.metrics.test_outcome import FAILURE, KEY, SUCCESS, metrics, series
from tests.support.pauses import at_once
from tests.support.scopes import SUBMISSION

LATE = LateArrival(1000.0, 700.0, "INBOX", (), ())
OTHER = ProbeKey("submission", "b@example.org")


def test_what_changes_after_a_page_was_read_is_on_the_next() -> None:
    made = metrics()
    assert series(at_once(made.probe(KEY)))["mailtrip_late_total"] == 0
    made.late(KEY, "late", LateArrival(1000.0, 700.0, "INBOX", (), ()))
    shown = series(at_once(made.probe(KEY)))
    assert shown["mailtrip_late_total"] == 1
    assert shown["mailtrip_last_delivery_delay_seconds"] == 700


def test_a_restart_shows_the_newest_outcome_and_counts_from_zero() -> None:
    made = metrics()
    made.restored(FAILURE)
    shown = series(at_once(made.probe(KEY)))
    assert shown["probe_success"] == 0
    assert shown["mailtrip_trips_total"] == 0
    assert any(name.startswith("mailtrip_last_failure_info") for name in shown)


def test_a_forgotten_probe_has_no_series_and_may_still_be_spoken_of() -> None:
    made = metrics()
    made.forgotten(KEY)
    made.lost(KEY)
    assert not any("gmail" in name for name in series(at_once(made.everything())))


def test_what_is_said_of_a_probe_that_nobody_knows_is_lost_and_breaks_nothing() -> None:
    made = metrics()
    made.started(OTHER)
    made.finished(replace(SUCCESS, probe=OTHER))
    made.late(OTHER, "late", LATE)
    for report in (made.let_through, made.bounced, made.unclear, made.lost, made.duplicate):
        report(OTHER)
    made.visited(OTHER, ())
    assert not any(OTHER.target in name for name in series(at_once(made.everything())))
    made.known(OTHER, "other", SUBMISSION)
    shown = series(at_once(made.probe(OTHER)))
    assert shown["mailtrip_trips_total"] == shown["mailtrip_late_total"] == 0


@pytest.mark.parametrize("scope", [BlocklistScope(("bl.test",)), HeartbeatScope("own", ())])
def test_a_message_of_a_probe_that_sends_none_any_more_is_not_counted(
    scope: BlocklistScope | HeartbeatScope,
) -> None:
    made = Metrics()
    made.known(KEY, "moved", scope)
    made.late(KEY, "late", LATE)
    made.lost(KEY)
    made.duplicate(KEY)
    shown = series(at_once(made.probe(KEY)))
    assert not {"mailtrip_late_total", "mailtrip_lost_total", "mailtrip_duplicates_total"} & {
        *shown
    }


def test_messages_that_come_after_their_trip_are_counted_by_what_they_were() -> None:
    made = metrics()
    for report in (made.bounced, made.unclear, made.lost, made.duplicate, made.let_through):
        report(KEY)
    made.late(KEY, "late", LATE)
    shown = series(at_once(made.probe(KEY)))
    for name in ("bounces", "unclear", "lost", "duplicates", "late"):
        assert shown[f"mailtrip_{name}_total"] == 1
    assert shown['mailtrip_failures_total{phase="verify",reason="accepted"}'] == 1


def test_a_probe_that_loses_its_name_leaves_the_page_of_all_and_keeps_its_own() -> None:
    made = metrics()
    made.started(KEY)
    made.finished(SUCCESS)
    made.known(KEY, None, SUBMISSION)
    assert not any("gmail" in name for name in series(at_once(made.everything())))
    assert series(at_once(made.probe(KEY)))["mailtrip_trips_total"] == 1
    made.known(KEY, "renamed", SUBMISSION)
    assert series(at_once(made.everything()))['mailtrip_trips_total{probe="renamed"}'] == 1


def test_a_trip_is_in_progress_from_its_start_to_its_end() -> None:
    made = metrics()

    def in_flight() -> float:
        return series(at_once(made.probe(KEY)))["mailtrip_trips_in_flight"]

    assert in_flight() == 0
    made.started(KEY)
    assert in_flight() == 1
    made.finished(FAILURE)
    assert in_flight() == 0


def test_the_last_success_before_a_restart_is_shown_beside_a_newer_failure() -> None:
    made = metrics()
    made.restored(FAILURE, last_success=1_700_000_000.0)
    shown = series(at_once(made.probe(KEY)))
    assert shown["mailtrip_last_success_timestamp_seconds"] == 1_700_000_000
    assert shown["mailtrip_success"] == 0


def test_the_exporter_s_own_state_is_read_at_each_scrape() -> None:
    lags = iter([0.0, 7.5])
    made = Metrics(Readings(lag=lambda: next(lags)))
    name = "mailtrip_scheduler_lag_seconds"
    assert [series(at_once(made.everything()))[name] for _ in range(2)] == [0, 7.5]
