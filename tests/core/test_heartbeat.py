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
        later = SEEN.with_look(SEEN.looked_at + gap, INTERVAL, EVERY, receives=receives)
        assert later == replace(SEEN, looked_at=SEEN.looked_at + gap)


def test_after_a_long_one_the_verdict_waits() -> None:
    now = 117 * HOUR
    mailbox = SEEN.with_look(now, INTERVAL, EVERY, receives=False)
    assert mailbox.due_at(EVERY) == now + QUEUED
    assert SEEN.with_look(now, INTERVAL, 600.0, receives=False).due_at(600.0) == now + 600.0
    receiver = SEEN.with_look(now, INTERVAL, EVERY, receives=True)
    assert receiver.due_at(EVERY) == now + EVERY
    assert receiver.with_look(now + INTERVAL, INTERVAL, EVERY, receives=True).due_at(EVERY) == (
        now + EVERY
    )


def test_a_clock_that_was_set_back_says_nothing_is_missing() -> None:
    back = SEEN.with_look(50 * HOUR, INTERVAL, EVERY, receives=False)
    assert back.looked_at == 50 * HOUR
    assert not back.fact(EVERY).is_missing(50 * HOUR)


def test_it_says_what_it_knows() -> None:
    assert str(SEEN.fact(EVERY)) == (
        "last heartbeat: 1970-01-04 18:00:00 UTC from backup@host.example: finished, in INBOX;"
        " the next one is due by 1970-01-05 20:00:00 UTC"
    )
    assert str(NEW.fact(EVERY)) == (
        "last heartbeat: none since 1970-01-01 00:00:00 UTC, when mailtrip began to look; the next"
        " one is due by 1970-01-02 02:00:00 UTC"
    )
