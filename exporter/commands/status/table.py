"""Probes for people: a table of several, or all about one."""

from collections.abc import Iterator, Sequence

from exporter.commands.status.judgement import Judgement
from exporter.commands.status.summary import counted, worst_first
from exporter.core.severity import Severity
from exporter.core.timing.durations import duration, in_units
from exporter.core.timing.when import ago, later, utc

_HEAD = ("probe", "state", "since", "newest trip", "delay", "next trip")
_COLOURS = {
    Severity.OK: "32",
    Severity.UNKNOWN: "35",
    Severity.WARNING: "33",
    Severity.CRITICAL: "31",
}
"""Codes of ECMA-48: green, magenta, yellow, red."""


def table(judgements: Sequence[Judgement], place: str, *, colours: bool) -> Iterator[str]:
    """A line for each probe, the worst first, below it why it is not OK; then their numbers."""
    ordered = worst_first(judgements)
    rows = [_row(one) for one in ordered]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    if rows:
        yield _line(_HEAD, widths, "1" if colours else "")
    for one, row in zip(ordered, rows, strict=True):
        yield _line(row, widths, "", _COLOURS[one.severity] if colours else "")
        if one.severity is not Severity.OK or one.probe.maintenance:
            yield f"    {one.words}"
    yield f"{counted(judgements)}, at {place}"


def _row(one: Judgement) -> tuple[str, ...]:
    probe = one.probe
    return (
        probe.title,
        _state(one),
        "" if probe.since is None else in_units(max(one.now - probe.since, 0.0)),
        "" if one.age is None else ago(one.age),
        "" if one.delay is None else duration(one.delay),
        _next(one),
    )


def _state(one: Judgement) -> str:
    return "planned" if one.probe.maintenance else one.severity.in_words


def _next(one: Judgement) -> str:
    due = one.probe.next_trip_at
    if due is not None:
        return later(due - one.now)
    return "" if one.probe.name else "by a scrape"


def _line(cells: Sequence[str], widths: Sequence[int], style: str, of_state: str = "") -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    padded[1] = _styled(padded[1], of_state)
    return _styled("  ".join(padded).rstrip(), style)


def _styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


def details(one: Judgement, page: str, *, colours: bool) -> Iterator[str]:
    """All about a probe. `page` is the address of its trips; empty if there is none."""
    probe = one.probe
    state = _styled(_state(one), _COLOURS[one.severity] if colours else "")
    yield f"{probe.title}: {state}"
    yield f"  {one.words}"
    for name, text in _facts(one, page):
        yield f"  {name:<13} {text}"


def _facts(one: Judgement, page: str) -> Iterator[tuple[str, str]]:
    from exporter.core.availability.account_output import percent  # which takes a while

    probe, newest = one.probe, one.probe.newest
    if probe.name:
        yield "probe", f"{probe.module} → {probe.target}"
    if probe.since is not None:
        yield "since", f"{utc(probe.since)}, for {in_units(max(one.now - probe.since, 0.0))}"
    if newest and one.age is not None:
        ended = f"ended {utc(newest.finished_at)}, {ago(one.age)}"
        yield "newest trip", f"{newest.trip}, {ended}, took {duration(newest.duration)}"
    if probe.in_progress:
        yield "in progress", f"{probe.in_progress} trip{'s' if probe.in_progress > 1 else ''}"
    every = f"every {in_units(probe.interval)}"
    if probe.interval_after_failure < probe.interval:
        every += f", after a failure {in_units(probe.interval_after_failure)} later"
    yield "next trip", f"{_next(one) or 'unknown'}; {every}"
    if probe.day is not None and probe.month is not None:
        yield (
            "availability",
            f"{percent(probe.day)} of 24 hours, {percent(probe.month)} of 30 days",
        )
    if page:
        yield "page", page
