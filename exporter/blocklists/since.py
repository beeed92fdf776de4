"""Since when a list has listed a subject, or has been unusable, by the checks of one probe."""

from collections.abc import Iterator
from dataclasses import replace

from exporter.core.model import Fact, Listing, ListState, Outcome, QueriedList


def with_since(outcome: Outcome, before: Outcome | None) -> Outcome:
    """The check, each trouble with the start of the first check that found it. `before` is the
    newest check so far.

    A check without an answer does not end a listing.
    """
    known = {_about(fact): fact for fact in before.facts} if before else {}
    began = before.started_at if before else outcome.started_at
    facts = _dated(outcome, known, min(began, outcome.started_at))
    return replace(outcome, facts=tuple(facts))


def _dated(outcome: Outcome, known: dict[tuple[str, ...], Fact], before: float) -> Iterator[Fact]:
    """`before` is the start of the check that the `known` facts are of."""
    now = outcome.started_at
    for fact in outcome.facts:
        match fact, known.get(_about(fact)):
            case QueriedList(usable=False), QueriedList(usable=False) as last:
                yield replace(fact, since=_earlier(last.since, before))
            case QueriedList(usable=False), _:
                yield replace(fact, since=now)
            case Listing(state=ListState.LISTED), Listing(state=ListState.LISTED) as last:
                yield replace(fact, since=_earlier(last.since, before))
            case Listing(state=ListState.LISTED), Listing(listed_since=float(since)):
                yield replace(fact, since=since)
            case Listing(state=ListState.UNKNOWN), Listing(state=ListState.LISTED) as last:
                yield replace(fact, since=now, listed_since=_earlier(last.since, before))
            case Listing(state=ListState.UNKNOWN), Listing(state=ListState.UNKNOWN) as last:
                since = _earlier(last.since, before)
                yield replace(fact, since=since, listed_since=last.listed_since)
            case Listing(state=ListState.LISTED | ListState.UNKNOWN), _:
                yield replace(fact, since=now)
            case _:
                yield fact


def _earlier(since: float | None, before: float) -> float:
    """An older version wrote no time."""
    return before if since is None else since


def _about(fact: Fact) -> tuple[str, ...]:
    match fact:
        case Listing():
            return fact.blocklist, fact.subject
        case QueriedList():
            return (fact.blocklist,)
    return ()
