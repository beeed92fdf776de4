"""The display of a check in a terminal: progress while it runs, then its outcome."""

from collections.abc import Callable
from functools import partial
from io import StringIO

from rich.console import Console
from rich.status import Status

from exporter.core.json_output import as_json
from exporter.core.model import Outcome, Span
from exporter.core.scope import BlocklistScope, HeartbeatScope, Scope
from exporter.terminal import listings, trip
from exporter.terminal.progress_line import ProgressLine
from exporter.terminal.trip import waterfall

__all__ = [
    "Progress",
    "ProgressLine",
    "Renderer",
    "as_json",
    "as_text",
    "progress_of",
    "result",
    "transcript",
    "waterfall",
]

WIDTH = 100  # characters, where there is no terminal to ask
NEWEST_LINES = 20  # of a transcript that nobody asked for
Renderer = Callable[[Outcome, Console], None]
Progress = Callable[[Console, Status, ProgressLine], Callable[[Span], None]]
"""Returns what is called with each span."""


def progress_of(scope: Scope) -> Progress:
    """The display of a trip in progress in which this can happen."""
    if isinstance(scope, BlocklistScope):
        return listings.progress
    if isinstance(scope, HeartbeatScope):
        return partial(trip.progress, doing=trip.LOOKING)
    return trip.progress


def result(outcome: Outcome, console: Console) -> None:
    """A finished trip: the answers of blocklists as a table, or its waterfall."""
    (listings.table if outcome.queried_lists else waterfall)(outcome, console)


def transcript(outcome: Outcome, console: Console, *, whole: bool = True) -> None:
    """The transcript, as lines: all, or the newest."""
    lines = outcome.transcript or ("nothing was exchanged",)
    left_out = 0 if whole else max(0, len(lines) - NEWEST_LINES)
    if left_out:
        earlier = "earlier line is" if left_out == 1 else "earlier lines are"
        lines = (f"({left_out} {earlier} left out; --transcript shows all)", *lines[left_out:])
    console.out(
        "", "transcript (seconds, leg, C: mailtrip, S: server)", *lines, sep="\n", highlight=False
    )


def as_text(outcome: Outcome, drawing: Renderer) -> str:
    """The drawing without colours."""
    text = StringIO()
    drawing(outcome, Console(file=text, width=WIDTH, color_system=None, highlight=False))
    return text.getvalue()
