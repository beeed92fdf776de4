"""What a list has said about a subject before, in the checks of probes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.core.model import ListState

MOST_PERIODS = 5  # of one list and subject: the newest


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which every answer was a listing, in seconds since the epoch."""

    first: float  # the first check that found it
    last: float
    after: float | None = None  # the last check before, which did not find it; None: none is known
    until: float | None = None  # the first check that found it no longer; None: it lasts


@dataclass(frozen=True, slots=True)
class Past:
    """What the checks of some time found out from one list about one subject."""

    checks: int
    answered: int  # of these: in the others the list was unusable, or did not answer
    periods: tuple[Period, ...] = ()  # the oldest first
    trouble: str = ""  # why the newest check without an answer had none


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """The answer of a list in one check. `text` is for people, if it is unknown."""

    at: float  # seconds since the epoch
    state: ListState
    text: str = ""


def past(answers: Iterable[PastAnswer]) -> Past:
    """Takes the answers in any order. A check without an answer neither begins nor ends a
    period."""
    checks, answered, trouble = 0, 0, ""
    periods: list[Period] = []
    clean: float | None = None  # the last check that found no listing
    for one in sorted(answers, key=lambda answer: answer.at):
        checks += 1
        if one.state is ListState.UNKNOWN:
            trouble = one.text
            continue
        answered += 1
        if one.state is ListState.CLEAN:
            if periods and periods[-1].until is None:
                periods[-1] = replace(periods[-1], until=one.at)
            clean = one.at
        elif periods and periods[-1].until is None:
            periods[-1] = replace(periods[-1], last=one.at)
        else:
            periods.append(Period(one.at, one.at, clean))
    return Past(checks, answered, tuple(periods[-MOST_PERIODS:]), trouble)
