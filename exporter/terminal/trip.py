"""A round trip in a terminal: progress while it runs, then the waterfall of its phases and
steps."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from textwrap import fill

from rich.console import Console
from rich.status import Status
from rich.text import Text

from exporter.core.comparison.words import failure_in_words, in_words, letter
from exporter.core.facts import (
    WHY_UNMEASURED,
    Alteration,
    Answer,
    Arrival,
    Authentication,
    Changes,
    Client,
    Disagreement,
    FilterTest,
    Hop,
    InboxTab,
    LeftFrom,
    MailServer,
    SenderCheck,
    SpamScore,
    Unclear,
)
from exporter.core.heartbeat import Heartbeat, moment
from exporter.core.model import (
    Exchanger,
    ExchangerVisit,
    Listing,
    Outcome,
    PlaintextFallback,
    Reply,
    Span,
    TlsPolicy,
    TlsSession,
)
from exporter.core.one_line import one_line
from exporter.core.phases import Phase
from exporter.core.timing.durations import in_units
from exporter.core.trace.tls_sessions import with_sessions
from exporter.terminal.listings import remarks_on
from exporter.terminal.progress_line import ProgressLine

LEAST_BAR, MOST_BAR = 6, 32  # characters
BESIDE_BAR = 27  # the name, and the time
BESIDE_FACT = 20  # what it is
LEAST_WORDS = 20  # of a fact in a line
LONG_NOTE = 30  # one that is longer may be broken
_PHASES = list(Phase)
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
    for line in _facts(outcome):
        _print_words(console, f"  {one_line(line)}", indent=BESIDE_FACT)
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


def _facts(outcome: Outcome) -> list[str]:
    lines = []
    for fact, which in with_sessions(outcome.facts):
        match fact:
            case Reply():
                lines.append(f"last SMTP reply   {fact.code} {fact.text}")
            case Exchanger():
                lines.append(f"accepted by       {fact} (MX {fact.preference})")
            case ExchangerVisit():
                lines.append(f"exchanger         {_visit(fact)}")
            case PlaintextFallback():
                lines.append(f"no TLS            sent in plain text: {fact.why}")
            case TlsPolicy():
                lines.append(f"TLS policy        {fact}")
            case TlsSession():
                session = f"{which}: " if which else ""
                lines.append(f"{f'TLS, {fact.place}':17} {session}{_tls(fact)}")
                if fact.issued:
                    lines.append(f"certificate       {session}{fact.issued}")
                if fact.client_certificate:
                    lines.append(f"our certificate   {session}{fact.client_certificate}")
            case Hop():
                lines.append(f"hop {fact.number:<13} {_hop(fact)}")
            case LeftFrom():
                lines.append(f"left from         {fact.address}")
            case MailServer():
                lines.append(f"server            {fact}")
            case Authentication():
                lines.append(f"{fact.method:<17} {fact.result}")
            case SenderCheck():
                lines.append(f"{fact.method + ', own check':<17} {fact}")
            case Disagreement():
                lines.append(f"{fact.method + ' differs':<17} {fact}")
            case Client():
                lines.append(f"delivered by      {fact}")
            case Listing():
                about = f"{fact.subject} is {fact.state.in_words} on {fact.blocklist}"
                lines.append(f"blocklist         {'; '.join([about, *remarks_on(fact)])}")
            case SpamScore():
                lines.append(f"spam score        {fact.score:g} ({fact.scanner})")
            case Changes():
                lines += [f"changed           {in_words(one)}" for one in fact.changes]
                lines += [f"listed on         {one}" for one in fact.listed]
            case FilterTest():
                lines.append(f"filter test       {fact}")
            case InboxTab():
                lines.append(f"tab of the inbox  {fact.tab}")
            case Alteration():
                lines.append(f"altered           {fact}")
            case Answer():
                lines.append(f"came home         {fact}")
                lines.append(f"legs              {fact.legs}")
            case Heartbeat():
                lines.append(f"last heartbeat    {fact.last}")
                due = f"{moment(fact.due_at)}, one must come every {in_units(fact.every)}"
                lines.append(f"next one due by   {due}")
            case Unclear():
                lines.append(f"unclear message   from {fact.sender}: {fact.subject}: {fact.text}")
            case Arrival():
                where = f"{fact.folder or 'mailbox'}, token in its {fact.found_in}"
                lines.append(f"found in          {where}")
                why = f": {WHY_UNMEASURED}" if fact.delay is None else ""
                lines.append(f"delivery delay    {_delay(fact)}{why}")
    return lines


def _visit(visit: ExchangerVisit) -> str:
    parts = [f"{visit.place} (MX {visit.preference})  {visit.verdict}"]
    if visit.delay is not None:
        parts.append(f"delivery delay {visit.delay:.3f} s")
    if visit.tls:
        parts.append(_tls(visit.tls))
    if visit.plaintext:
        parts.append(f"sent in plain text: {visit.plaintext}")
    return ", ".join(parts)


def _tls(fact: TlsSession) -> str:
    agreed = f"{fact.version} {fact.cipher}" if fact.version else "certificate refused"
    if fact.expires_at is None:
        return agreed
    told = f"{agreed}, valid until {_day(fact.expires_at)}"
    if fact.ends_above is None:
        return told
    return f"{told}, a certificate above it until {_day(fact.ends_above)}"


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _hop(hop: Hop) -> str:
    """The server that accepted the message, its delay and its client. Text of external servers is
    already clean."""
    after = "unknown delay" if hop.delay is None else f"{hop.delay:.0f} s"
    if hop.skew:
        after += f" (its clock is {abs(hop.skew):.0f} s {'behind' if hop.skew > 0 else 'ahead'})"
    origin = " ".join(filter(None, (hop.helo, hop.address and f"[{hop.address}]")))
    return "  ".join(
        filter(None, (hop.by or "(no name)", after, origin and f"from {origin}", hop.protocol))
    )
