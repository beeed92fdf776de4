"""The display of a check in a terminal: progress while it runs, then its outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import StringIO

from rich.console import Console
from rich.status import Status

from exporter.core.json_output import as_json
from exporter.core.model import Outcome, Span
from exporter.terminal import listings, trip
from exporter.terminal.progress_line import ProgressLine
from exporter.terminal.trip import waterfall

__all__ = [
    "DISPLAYS",
    "Display",
    "ProgressLine",
    "Renderer",
    "as_json",
    "as_text",
    "transcript",
    "waterfall",
]

WIDTH = 100  # characters, where there is no terminal to ask
NEWEST_LINES = 20  # of a transcript that nobody asked for
Renderer = Callable[[Outcome, Console], None]


@dataclass(frozen=True, slots=True)
class Display:
    """The display of one kind of check."""

    progress: Callable[[Console, Status, ProgressLine], Callable[[Span], None]]
    result: Renderer


DISPLAYS = {
    "roundtrip": Display(trip.progress, waterfall),
    "heartbeat": Display(partial(trip.progress, doing=trip.LOOKING), waterfall),
    "dnsbl": Display(listings.progress, listings.table),
}
"""By key in a module."""


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
