"""When a heartbeat is due."""

from dataclasses import replace

import pytest

from exporter.core.heartbeat import QUEUED, SHORT_GAP, Beat, Watch

HOUR = 3600.0
EVERY = 26 * HOUR
INTERVAL = 300.0
NEW = Watch(0.0, 0.0)
SEEN = Watch(0.0, 100 * HOUR, last=Beat(90 * HOUR, "backup@host.example", "finished", "INBOX"))


def test_the_next_is_due_after_the_last_and_at_first_after_the_first_look() -> None:
    assert NEW.due_at(EVERY) == EVERY
    assert SEEN.due_at(EVERY) == 116 * HOUR
    assert not SEEN.fact(EVERY).is_missing(116 * HOUR)
    assert SEEN.fact(EVERY).is_missing(116 * HOUR + 1)


def test_only_a_newer_one_counts() -> None:
    older = Beat(80 * HOUR, "a@b", "old")
    assert SEEN.with_beat(older) is SEEN
    assert NEW.with_beat(older).last == older
    assert SEEN.with_beat(newer := replace(older, at=91 * HOUR)).last == newer


@pytest.mark.parametrize("gap", [0.0, INTERVAL, SHORT_GAP + 2 * INTERVAL])
def test_a_short_time_without_a_look_changes_nothing(gap: float) -> None:
    for receives in (False, True):
        later = SEEN.with_look(SEEN.looked_at + gap, INTERVAL, receives=receives)
        assert later == replace(SEEN, looked_at=SEEN.looked_at + gap)


def test_after_a_long_one_the_verdict_waits() -> None:
    now = 117 * HOUR
    mailbox = SEEN.with_look(now, INTERVAL, receives=False)
    assert mailbox.due_at(EVERY) == now + QUEUED
    assert SEEN.with_look(now, INTERVAL, receives=False).due_at(600.0) == now + 600.0
    receiver = SEEN.with_look(now, INTERVAL, receives=True)
    assert receiver.due_at(EVERY) == now + EVERY
    assert receiver.with_look(now + INTERVAL, INTERVAL, receives=True).due_at(EVERY) == (
        now + EVERY
    )


def test_a_clock_that_was_set_back_says_nothing_is_missing() -> None:
    back = SEEN.with_look(50 * HOUR, INTERVAL, receives=False)
    assert back.looked_at == 50 * HOUR
    assert not back.fact(EVERY).is_missing(50 * HOUR)


def test_a_clock_that_was_ahead_for_a_while_hides_nothing_for_years() -> None:
    year = 365 * 24 * HOUR
    ahead = SEEN.with_look(year, INTERVAL, receives=True).with_beat(Beat(year, "a@b", "finished"))
    back = ahead.with_look(101 * HOUR, INTERVAL, receives=True)
    assert back.due_at(EVERY) == 101 * HOUR + EVERY
    began = Watch(year, year).with_look(101 * HOUR, INTERVAL, receives=True)
    assert began.due_at(EVERY) == 101 * HOUR + EVERY


@pytest.mark.parametrize("receives", [True, False])
def test_each_probe_waits_as_long_as_its_own_interval_asks(receives: bool) -> None:
    now = 117 * HOUR
    watch = SEEN.with_look(now, INTERVAL, receives=receives)
    watch = watch.with_look(now + 1.0, 60.0, receives=receives)
    assert watch.due_at(EVERY) == now + (EVERY if receives else QUEUED)
    assert watch.due_at(HOUR) == now + HOUR


def test_it_says_what_it_knows() -> None:
    assert str(SEEN.fact(EVERY)) == (
        "last heartbeat: 1970-01-04 18:00:00 UTC from backup@host.example: finished, in INBOX;"
        " the next one is due by 1970-01-05 20:00:00 UTC"
    )
    assert str(NEW.fact(EVERY)) == (
        "last heartbeat: none since 1970-01-01 00:00:00 UTC, when mailtrip began to look; the next"
        " one is due by 1970-01-02 02:00:00 UTC"
    )
