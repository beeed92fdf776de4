"""What changed, in words: one sentence, and a text for the postmaster of the other side."""

from collections.abc import Iterator

from exporter.core.comparison.circumstances import name_of
from exporter.core.facts import Change, Changes, LeftFrom
from exporter.core.model import Outcome, Reply
from exporter.core.one_line import one_line
from exporter.core.timing.when import utc_minute

IN_A_SENTENCE = 3  # changes
MAX_VALUE = 80  # characters of a value in a sentence
MAX_SENTENCE = 700  # characters


def sentence(found: Changes) -> str:
    """What changed since the last good trip. It has no full stop, as an error has none."""
    since = f"since the last good trip at {utc_minute(found.good_trip_at)}"
    words = [in_words(one) for one in found.changes[:IN_A_SENTENCE]]
    if (more := len(found.changes) - IN_A_SENTENCE) > 0:
        words.append(f"and {more} more")
    told = f"changed {since}: {'; '.join(words)}" if words else ""
    if not words and found.unchanged:
        told = f"nothing that was compared has changed {since}"
    lists = ", ".join(found.listed[:IN_A_SENTENCE])
    listed = f"the leaving address is listed on {lists}" if lists else ""
    return one_line("; ".join(filter(None, (told, listed))), MAX_SENTENCE)


def changes_of(outcome: Outcome) -> Changes | None:
    """What was found out about a trip."""
    return next((fact for fact in outcome.facts if isinstance(fact, Changes)), None)


def failure_in_words(outcome: Outcome) -> str:
    """The failure, and what changed; empty without a failure."""
    found = changes_of(outcome)
    told = sentence(found) if found else ""
    return "; ".join(filter(None, (str(outcome.failure or ""), told))) if outcome.failure else ""


def in_words(change: Change) -> str:
    """One change: what is new or gone, or what it was and is."""
    name = name_of(change.what, change.about)
    if len(change.before) <= 1 and len(change.after) <= 1:
        before, after = (_list(one) or "none" for one in (change.before, change.after))
        return f"{name}: {after} instead of {before}"
    told = [
        f"{_list(these)} {'is' if len(these) == 1 else 'are'} {word}"
        for these, word in ((change.new, "new"), (change.gone, "gone"))
        if these
    ]
    return f"{name}: {', '.join(told)}"


def _list(values: tuple[str, ...]) -> str:
    return " and ".join(one_line(value, MAX_VALUE) for value in values)


def letter(outcome: Outcome) -> str:
    """A text for the postmaster of the other side: only what servers said and what is in the DNS.
    Empty if nothing was compared."""
    found = changes_of(outcome)
    return "\n".join(_lines(outcome, found)) if found else ""


def _lines(outcome: Outcome, found: Changes) -> Iterator[str]:
    failed, target = outcome.failure, outcome.probe.target
    verb = "fails" if failed else "goes another way"
    yield f"Subject: mail to {target} {verb} since {utc_minute(outcome.started_at)}"
    yield ""
    yield f"A test message to {target} was sent at {utc_minute(outcome.started_at)}."
    if failed:
        yield f"It failed: {failed}"
    for fact in outcome.facts:
        if isinstance(fact, Reply):
            yield f"The last reply of the server was: {fact.code} {fact.text}"
        if isinstance(fact, LeftFrom):
            yield f"It left from {fact.address}."
    sent = utc_minute(found.good_trip_at)
    yield f"The last message before it that arrived was sent at {sent}."
    yield ""
    yield "Changed since then:" if found.changes else "Nothing that we compare has changed since."
    for change in found.changes:
        yield f"* {name_of(change.what, change.about)}"
        yield f"  before: {'; '.join(change.before) or 'none'}"
        yield f"  now:    {'; '.join(change.after) or 'none'}"
    if found.listed:
        yield f"The leaving address is listed on {', '.join(found.listed)}."
    if found.unchanged:
        yield ""
        yield f"As before: {', '.join(found.unchanged)}"
    yield ""
    yield f"Trip {outcome.trip}."
