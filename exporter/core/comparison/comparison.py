"""Compares a trip with the good ones before it. What alternates by nature is not named: the order
of records, one of several addresses, one server of many behind a name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.core.comparison.circumstances import SAMPLED, WHOLE, Aspect, Circumstances, What
from exporter.core.facts import Change, Changes

MOST_CHANGES = 12
MOST_SHOWN = 8  # values of each
GOOD_TRIPS = 30  # that are compared with: the newest, and some of the hours before
LEAST_SAMPLES = 5  # good trips that must know what shows one of many
SCORE_NOISE = 1.0  # points of a spam score, at least


@dataclass(frozen=True, slots=True)
class GoodTrip:
    """A trip that succeeded."""

    trip: str
    started_at: float  # seconds since the epoch
    circumstances: Circumstances


def compare(now: Circumstances, before: Sequence[GoodTrip]) -> Changes | None:
    """What is otherwise than in the good trips, of which the newest is first; None if there is
    none."""
    if not before:
        return None
    before = before[:GOOD_TRIPS]
    changes, unchanged = [], []
    for aspect in sorted(now, key=lambda one: (list(What).index(one.what), one.about)):
        known = [one.circumstances[aspect] for one in before if aspect in one.circumstances]
        if not known:
            continue
        if change := _change(aspect, now[aspect], known):
            changes.append(change)
        elif now[aspect] == known[0]:
            unchanged.append(str(aspect))
    found = _without_repetition(changes)[:MOST_CHANGES]
    newest = before[0]
    return Changes(newest.trip, newest.started_at, tuple(found), tuple(unchanged), ())


def _change(aspect: Aspect, now: frozenset[str], known: Sequence[frozenset[str]]) -> Change | None:
    """`known` are the values in the good trips that know any, the newest first."""
    if aspect.what is What.SPAM_SCORE:
        return _risen(aspect, now, known)
    sampled, whole = aspect.what in SAMPLED, aspect.what in WHOLE
    if now in known or not _is_steady(known, sampled=sampled):
        return None
    new = now - frozenset().union(*known)
    gone = frozenset(one for one in known[0] - now if _is_lasting(one, known, sampled=sampled))
    if not new and not (whole and gone):
        return None
    # What stays away by turns is shown neither before nor after.
    before = gone | (known[0] & now) if whole else known[0]
    after = new | (known[0] & now) if whole else now
    return Change(aspect.what, aspect.about, _shown(before), _shown(after))


def _is_steady(known: Sequence[frozenset[str]], *, sampled: bool) -> bool:
    """Whether a value that was never met means a change: not where there are many.

    Of values that were met only once there are others that were not met yet (Good and Turing); with
    few of them in five trips, and at most one in eight, a change is wrongly named in less than four
    failures of a hundred if the values are met equally often; if not, in less than seven: those of
    which none was met in n trips have the share q of all, and q(1 - q)^n is at most 0.067.
    """
    met = Counter(value for one in known for value in one)
    spread = len(met) - max(map(len, known))
    if not sampled:
        return spread <= len(known) // 4
    few = spread <= len(known) // 8 and all(times > 1 for times in met.values())
    return few and len(known) >= LEAST_SAMPLES


def _is_lasting(value: str, known: Sequence[frozenset[str]], *, sampled: bool) -> bool:
    """Whether the value was there since it came, in each good trip; of many, in all of them."""
    there = [value in one for one in known]
    return all(there) if sampled else there == sorted(there, reverse=True)


def _risen(aspect: Aspect, now: frozenset[str], known: Sequence[frozenset[str]]) -> Change | None:
    """Scores differ a little from message to message."""
    scores = [float(score) for one in known for score in one]
    if len(scores) < LEAST_SAMPLES or not now:
        return None
    score = max(map(float, now))
    if round(score - max(scores), 6) <= max(SCORE_NOISE, max(scores) - min(scores)):
        return None
    return Change(aspect.what, aspect.about, _shown(known[0]), _shown(now))


def _without_repetition(changes: Sequence[Change]) -> list[Change]:
    """Without the domains of servers that are named themselves, and what a first server says of us
    if the receiver says it, too."""
    hops = any(one.what == What.HOPS for one in changes)
    left: Mapping[tuple[object, object], Change] = {
        (one.before, one.after): one for one in changes if one.what == What.LEFT_FROM
    }
    return [
        one
        for one in changes
        if not (one.what == What.NETWORKS and hops)
        and not (one.what == What.SEEN_AS and (one.before, one.after) in left)
    ]


def _shown(values: frozenset[str]) -> tuple[str, ...]:
    found = sorted(values)
    more = len(found) - MOST_SHOWN
    return (*found[:MOST_SHOWN], f"and {more} more") if more > 0 else tuple(found)
