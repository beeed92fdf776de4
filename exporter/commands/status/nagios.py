"""The output of a plugin, by the guidelines of the Monitoring Plugins: one line for the one who is
on call, performance data, then long output. Nagios shows a colon for each semicolon in it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from exporter.commands.flags import NAGIOS_OUTPUT
from exporter.commands.status.judgement import Judgement, Thresholds
from exporter.commands.status.summary import in_one_line, worst_first, worst_of
from exporter.core.one_line import one_line
from exporter.core.severity import Severity

LONGEST_LINE = 400  # characters of the first line without its performance data
LONGEST = NAGIOS_OUTPUT[0]  # bytes: Nagios reads 8 KiB
BESIDE_DATA = 2000  # bytes of it for anything but performance data: always, lest a graph have gaps
MORE = "and %d more"
_NO_LABEL = re.compile(r"[^A-Za-z0-9_@.+/-]+")
"""A label has no `=` and no `'`; without blanks it needs no quotes, which not all programs know."""


def headline(severity: Severity, words: str) -> str:
    """The first line, without performance data."""
    return f"MAILTRIP {severity.upper()}: {_shown(words, LONGEST_LINE)}"


def about_one(judgement: Judgement, thresholds: Thresholds, more: Iterable[str] = ()) -> str:
    """The output about the probe that was named, with `more` lines."""
    first = headline(judgement.severity, f"{judgement.probe.title}: {judgement.words}")
    return _output(first, [*_data(judgement, thresholds)], more)


def about_all(judgements: Sequence[Judgement], thresholds: Thresholds, most: int = LONGEST) -> str:
    """The output about several probes, or however many there are, in `most` bytes."""
    first = headline(worst_of(judgements), in_one_line(judgements))
    counts = [f"probes={len(judgements)};;;0"]
    for severity in (Severity.CRITICAL, Severity.WARNING, Severity.UNKNOWN):
        number = sum(one.severity is severity for one in judgements)
        counts.append(f"{severity}={number};;;0;{len(judgements)}")
    probes = (
        " ".join(f"{_label(one)}::{data}" for data in _data(one, thresholds)) for one in judgements
    )
    data = [*counts, *filter(None, probes)]
    shown = _fitting(data, most - BESIDE_DATA)
    wrong = [one for one in worst_first(judgements) if one.severity is not Severity.OK]
    named = wrong if len(wrong) > 1 else ()  # the first line says all about one
    lines = (f"{one.severity.upper()} {one.probe.title}: {one.words}" for one in named)
    left = len(data) - len(shown)
    cut = f"performance data left out of {left} probes: use --max-output, or a service for each"
    return _output(first, shown, lines, most, cut if left else "")


def _data(judgement: Judgement, thresholds: Thresholds) -> Iterator[str]:
    """The performance data of a probe: 'label'=value[UOM];warn;crit;min;max."""
    if judgement.delay is not None:
        limits = f"{_number(thresholds.warning)};{_number(thresholds.critical)}"
        yield f"delay={_number(judgement.delay)}s;{limits};0"
    if judgement.age is not None:
        yield f"age={_number(judgement.age)}s;;;0"
    if judgement.probe.day is not None:
        yield f"availability={_number(100 * judgement.probe.day)}%;;;0;100"


def _label(judgement: Judgement) -> str:
    """What stands before `::`, by which programs group data."""
    probe = judgement.probe
    return _NO_LABEL.sub("_", probe.name or f"{probe.module}/{probe.target}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def _shown(text: str, most: int) -> str:
    """Without the character that begins performance data."""
    return one_line(text, most).replace("|", "/")


def _fitting(texts: Iterable[str], most: int) -> list[str]:
    """The first of them, as far as they have room in so many bytes with a blank between them."""
    kept, length = list[str](), 0
    for text in texts:
        length += len(text.encode()) + 1
        if length > most:
            break
        kept.append(text)
    return kept


def _output(
    first: str, data: Sequence[str], more: Iterable[str], most: int = LONGEST, last: str = ""
) -> str:
    """All of it, as far as a reader has room, with the number of lines that it has not."""
    head = f"{first} | {' '.join(data)}" if data else first
    lines = [_shown(line, LONGEST_LINE) for line in more]
    end = [last] if last else []
    kept = _fitting(lines, most - len("\n".join((head, *end)).encode()) - len(MORE) - 10)
    if left := len(lines) - len(kept):
        end = [MORE % left, *end]
    return "\n".join((head, *kept, *end))
