"""A round trip in a terminal: progress while it runs, then the waterfall of its phases and
steps."""

from collections.abc import Callable, Mapping
from textwrap import fill

from rich.console import Console
from rich.status import Status
from rich.text import Text

from exporter.core.comparison.words import failure_in_words, letter
from exporter.core.facts import Arrival
from exporter.core.facts_in_words import Day, Moment, Row, facts_in_words
from exporter.core.model import Outcome, Span
from exporter.core.one_line import one_line
from exporter.core.phases import Phase
from exporter.core.timing.when import utc, utc_day
from exporter.terminal.progress_line import ProgressLine

LEAST_BAR, MOST_BAR = 6, 32  # characters
BESIDE_BAR = 27  # the name, and the time
WIDEST_NAME = 17  # of a fact; that of a mailbox may make it wider
BESIDE_FACT = 2 + WIDEST_NAME + 1
LEAST_WORDS = 20  # of a fact in a line
LONG_NOTE = 30  # one that is longer may be broken
_PHASES = list(Phase)
_WRITTEN: Mapping[type, Callable[[float], str]] = {Moment: utc, Day: utc_day}
_DOING = {
    "open": "opening the mailbox",
    "send": "sending",
    "deliver": "waiting for the message",
    "verify": "checking the message",
    "delete": "deleting the message",
}
LOOKING = _DOING | {"deliver": "looking for the heartbeat"}


def progress(
    console: Console,
    status: Status,
    progress_line: ProgressLine,
    doing: Mapping[str, str] = _DOING,
) -> Callable[[Span], None]:
    """Prints every phase that ends, and steps that fail; the status line shows the current step,
    and what we are `doing` in its phase."""

    def show(span: Span) -> None:
        limited = span.phase not in (Phase.VERIFY, Phase.DELETE)  # then the message is back
        if span.duration < 0:
            progress_line.began(span)
            step = f": {span.step} {one_line(span.note)}".rstrip() if span.step else ""
            status.update(progress_line.now(doing[span.phase] + step, limited=limited))
        else:
            status.update(progress_line.now(doing[span.phase], limited=limited))
            if span.step is None or span.reason:
                console.print(_line(span), soft_wrap=True)

    return show


def waterfall(outcome: Outcome, console: Console, *, under_way: bool = False) -> None:
    """The waterfall of the trip, or of its progress so far."""
    verdict = Text("OK", "bold green") if outcome.success else Text("FAILED", "bold red")
    if under_way:
        verdict = Text("in progress", "bold")
    console.print(
        Text.assemble(
            f"\ntrip {outcome.trip}  {outcome.probe}  ", verdict, f"  {outcome.duration:.2f} s"
        )
    )
    width = _bar_width(outcome, console.width)
    for span in sorted(
        outcome.spans,
        key=lambda span: (_PHASES.index(span.phase), span.step is not None, span.start),
    ):
        console.print(_bar(span, outcome.duration, width), soft_wrap=True)
    for row in facts_in_words(outcome.facts):
        _print_words(console, f"  {one_line(_fact(row))}", indent=BESIDE_FACT)
    if under_way:
        return
    console.print()
    if outcome.failure and (words := letter(outcome)):
        console.out(words, "", sep="\n", highlight=False)
    if outcome.failure:
        _print_words(console, failure_in_words(outcome), "bold red")
    else:
        _print_words(console, f"OK: {_success(outcome)}", "bold green")


def _print_words(console: Console, line: str, style: str = "", indent: int = 0) -> None:
    """Breaks a long line between words on a terminal, which would break it anywhere. Elsewhere it
    stays one line, for `grep`."""
    words = fill(
        line,
        max(console.width, indent + LEAST_WORDS) if console.is_terminal else len(line) + 1,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print(Text(words, style), soft_wrap=True)


def _success(outcome: Outcome) -> str:
    """How long the message took; the total duration includes mailtrip's own waits."""
    arrival = next((fact for fact in outcome.facts if isinstance(fact, Arrival)), None)
    test = outcome.filter_test
    if heartbeat := outcome.heartbeat:
        return "the heartbeat is on time" if heartbeat.last_at else "no heartbeat is due yet"
    if arrival is None:
        return test.met if test else "refused as expected"
    words = [test.met] if test else []
    if arrival.round_trip is None:
        words.append("received")
    else:
        words.append(f"round trip {arrival.round_trip:.3f} s, delivery delay {_delay(arrival)}")
    return "; ".join(words)


def _delay(arrival: Arrival) -> str:
    return "unknown" if arrival.delay is None else f"{arrival.delay:.3f} s"


def _line(span: Span) -> Text:
    mark, style = ("✗", "red") if span.reason else ("✓", "green")
    place = f"{span.phase}/{span.step}" if span.step else str(span.phase)
    why = f"  {span.reason}  {one_line(span.note)}".rstrip() if span.reason else ""
    return Text.assemble(
        (f"{mark} ", style), f"{place:16}", f"{span.duration:9.3f} s", (why, style)
    )


def _bar_width(outcome: Outcome, width: int) -> int:
    """The width of bars that leaves space for most texts beside them."""
    beside = [len(one_line(f"{span.reason or ''} {span.note}")) for span in outcome.spans]
    return max(
        LEAST_BAR, min(MOST_BAR, width - BESIDE_BAR - min(max(beside, default=0), LONG_NOTE))
    )


def _bar(span: Span, total: float, width: int) -> Text:
    scale = width / total if total > 0 else 0.0
    before = min(int(span.start * scale), width - 1)
    length = max(1, min(round(span.duration * scale), width - before))
    full = "█" if span.step is None else "▒"
    style = "red" if span.reason else "green" if span.step is None else "cyan"
    name = f"    {span.step}" if span.step else f"  {span.phase}"
    bar = (" " * before + full * length).ljust(width)
    return Text.assemble(
        f"{name:14}",
        (bar, style),
        f"{span.duration:9.3f} s  ",
        (f"{span.reason} " if span.reason else "", "red"),
        one_line(span.note),
    )


def _fact(row: Row) -> str:
    words = "".join(
        part if isinstance(part, str) else _WRITTEN[type(part)](part.at) for part in row.words
    )
    return f"{row.name:{WIDEST_NAME}} {words}"
