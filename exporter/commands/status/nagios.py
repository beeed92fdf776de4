"""The output of a plugin, by the guidelines of the Monitoring Plugins: one line for the one who is
on call, performance data, then long output. Nagios shows a colon for each semicolon in it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from exporter.commands.status.judgement import Judgement, Thresholds
from exporter.commands.status.summary import in_one_line, worst_first, worst_of
from exporter.core.one_line import one_line
from exporter.core.verdict import Verdict

LONGEST_LINE = 400  # characters of the first line without its performance data
LONGEST_DATA = 5000  # characters of performance data
LONGEST = 8000  # bytes: Nagios reads 8 KiB
_NO_LABEL = re.compile(r"[^A-Za-z0-9_@.+/-]+")
"""A label has no `=` and no `'`; without blanks it needs no quotes, which not all programs know."""


def headline(verdict: Verdict, words: str) -> str:
    """The first line, without performance data."""
    return f"MAILTRIP {verdict.upper()}: {_shown(words, LONGEST_LINE)}"


def about_one(judgement: Judgement, thresholds: Thresholds, more: Iterable[str] = ()) -> str:
    """The output about the probe that was named, with `more` lines."""
    first = headline(judgement.verdict, f"{judgement.probe.title}: {judgement.words}")
    return _output(first, _data(judgement, thresholds), more)


def about_all(judgements: Sequence[Judgement], thresholds: Thresholds) -> str:
    """The output about several probes, or however many there are."""
    first = headline(worst_of(judgements), in_one_line(judgements))
    counts = [f"probes={len(judgements)};;;0"]
    for verdict in (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN):
        number = sum(one.verdict is verdict for one in judgements)
        counts.append(f"{verdict}={number};;;0;{len(judgements)}")
    probes = (
        " ".join(f"{_label(one)}::{data}" for data in _data(one, thresholds)) for one in judgements
    )
    wrong = [one for one in worst_first(judgements) if one.verdict is not Verdict.OK]
    named = wrong if len(wrong) > 1 else ()  # the first line says all about one
    lines = (f"{one.verdict.upper()} {one.probe.title}: {one.words}" for one in named)
    return _output(first, [*counts, *filter(None, probes)], lines)


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


def _output(first: str, data: Iterable[str], more: Iterable[str]) -> str:
    """All of it, as far as a reader has room."""
    kept, length = list[str](), 0
    for one in data:
        length += len(one) + 1
        if length > LONGEST_DATA:
            break
        kept.append(one)
    text = f"{first} | {' '.join(kept)}" if kept else first
    for line in more:
        longer = f"{text}\n{_shown(line, LONGEST_LINE)}"
        if len(longer.encode()) > LONGEST:
            break
        text = longer
    return text
