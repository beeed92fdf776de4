"""Blocklists in a terminal: progress of the queries, then a table of the answers."""

from collections.abc import Callable, Sequence
from itertools import count

from rich.console import Console
from rich.status import Status
from rich.text import Text

from exporter.core.facts_in_words import remarks_on
from exporter.core.model import Listing, ListState, Outcome, Span
from exporter.core.reasons import Reason
from exporter.terminal.progress_line import ProgressLine

_STYLES = {ListState.LISTED: "red", ListState.CLEAN: "green", ListState.UNKNOWN: "yellow"}
_ALIKE = (
    "All lists fail in the same way. The likely cause is the resolver: it answers NXDOMAIN to"
    " every query, or the lists refuse it because it is public. Set `resolver` to your own"
)
_HEAD = ("list", "about", "state")


def progress(
    console: Console, status: Status, progress_line: ProgressLine
) -> Callable[[Span], None]:
    """The status line counts the answers; a listing, or a list that does not answer, is shown at
    once."""
    answers = count(1)

    def show(span: Span) -> None:
        if span.step is None:
            return
        if span.duration < 0:
            progress_line.began(span)
            status.update(progress_line.now(span.note))
            return
        status.update(progress_line.now(f"answers so far: {next(answers)}"))
        if span.reason:
            line = f"{span.duration:9.3f} s  {span.note}: {span.reason}"
            listed = span.reason is Reason.LISTED  # else unknown, which is no failure
            mark = ("✗ ", "red") if listed else ("? ", "yellow")
            console.print(Text.assemble(mark, line), soft_wrap=True)

    return show


def answers(listings: Sequence[Listing], widths: Sequence[int], console: Console) -> None:
    """The answers about one subject, in columns of at least these widths: lists that list it first,
    then those that are unknown."""
    order = [ListState.LISTED, ListState.UNKNOWN, ListState.CLEAN]
    for one in sorted(listings, key=lambda one: (order.index(one.state), not one.alarming)):
        cells = one.blocklist, one.state.in_words
        _row(console, cells, widths, _style(one), list(remarks_on(one)) or [""])


def table(outcome: Outcome, console: Console) -> None:
    """The answer of every list about every address, and how to be delisted."""
    listings = [fact for fact in outcome.facts if isinstance(fact, Listing)]
    verdict = _verdict(listings) if outcome.success else Text("FAILED", "bold red")
    console.print(
        Text.assemble(
            f"\ntrip {outcome.trip}  {outcome.probe}  ", verdict, f"  {outcome.duration:.2f} s"
        )
    )
    rows = [(one.blocklist, one.subject, one.state.in_words) for one in listings]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    if listings:
        _row(console, _HEAD, widths, "bold", ["codes and meaning, or why it is unknown"])
    for listing, row in zip(listings, rows, strict=True):
        _row(console, row, widths, _style(listing), list(remarks_on(listing)) or [""])
    if _fail_alike(listings):
        console.print(Text(f"\n{_ALIKE}"), soft_wrap=True)
    if outcome.failure:
        console.print(Text(f"\n{outcome.failure}", "bold red"), soft_wrap=True)
    elif outcome.success:
        console.print(Text("\n").append_text(verdict), soft_wrap=True)


def _verdict(listings: list[Listing]) -> Text:
    """The first line must show that unknown is not clean."""
    lists = {one.blocklist for one in listings}
    unknown = {one.blocklist for one in listings if one.state is ListState.UNKNOWN}
    if not unknown:
        return Text("not listed", "bold green")
    return Text(
        f"not listed, incomplete: {len(unknown)} of {len(lists)} lists unknown", "bold yellow"
    )


def _fail_alike(listings: list[Listing]) -> bool:
    """Whether all lists fail for the same reason, which points to the resolver."""
    return (
        len({one.blocklist for one in listings}) > 1
        and all(one.state is ListState.UNKNOWN for one in listings)
        and len({one.text for one in listings}) == 1
    )


def _row(
    console: Console, cells: tuple[str, ...], widths: Sequence[int], style: str, remarks: list[str]
) -> None:
    """A row; its remarks are on separate lines in the last column."""
    begin = (
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        + "  "
    )
    first = Text.assemble((begin, style), remarks[0])
    first.rstrip()
    console.print(first, soft_wrap=True)
    for remark in remarks[1:]:
        console.print(Text(" " * len(begin) + remark), soft_wrap=True)


def _style(listing: Listing) -> str:
    return _STYLES[listing.state] if listing.alarming or listing.state is ListState.UNKNOWN else ""
