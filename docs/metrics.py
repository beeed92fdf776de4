"""Writes docs/metrics.md from the table of series in exporter/metrics/definitions.py and the vocabulary in model.py.

Run it in the project's directory: python -m docs.metrics
"""

import ast
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from exporter import model
from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER, ONLY_ON_PROBE, Definition
from exporter.model import Phase, Reason

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/metrics.md"
COMMAND = "python -m docs.metrics"

INTRODUCTION = f"""\
<!-- Generated from exporter/metrics/definitions.py and exporter/model.py by "{COMMAND}". Change those. -->

# Metrics

On `/probe` stand the series of one probe, as blackbox_exporter's users know it. On `/metrics` stand the same series of
every probe in `probes:`, with the label `probe`, and those of the exporter itself. Every counter and histogram of a
known probe exists from the start, at 0, so that `rate()` and `increase()` see the first failure. Gauges of the newest
trip are absent before there was one.

A trip may take many minutes, far longer than a scrape. `probe_success` and `mailtrip_success` are the newest *finished*
trip's; `mailtrip_trips_in_flight` counts those under way.

Durations are measured on a clock that never jumps. The delivery delay runs from the server's final 250 to the moment
when the message is seen, is right within 100 ms or 5 %, whichever is larger, and is observed only if the mailbox was
being watched when the message came: a delay is never invented.

Hops are what the servers on the way say of themselves in `Received` headers, oldest first: each by its own clock and in
whole seconds, so a delay is right within a second, and a skew of one second means nothing. The delay of hop 1 is
counted from our own sending. A server that keeps a message for long shows in the delay of the hop *after* it. The
newest 15 hops are told, with their true numbers; what a server did not say (its name, a readable time) is left out. In
a trip that was forwarded, the hops of both halves stand in one row.

Start alerts from these:

```promql
mailtrip_success == 0                                        # the newest trip failed
mailtrip_last_failure_info                                   # where and why: phase, step, reason, code
mailtrip_leg_success == 0                                    # which part to blame: leg
time() - mailtrip_last_success_timestamp_seconds > 3600      # nothing has come for an hour
increase(mailtrip_lost_total[1h]) > 0                        # a message never came
```
"""


def page() -> str:
    parts = [
        INTRODUCTION,
        "## Only on `/probe`\n",
        *_table(ONLY_ON_PROBE),
        "## Of a probe, on `/probe` and `/metrics`\n",
        *_table(OF_A_PROBE),
        "## Of the exporter, only on `/metrics`\n",
        *_table(OF_THE_EXPORTER),
        "And the process's own (`process_…`, `python_info`).\n",
        "## Where a trip breaks\n",
        *_words("phase", Phase),
        "## Why a trip breaks\n",
        *_words("reason", Reason),
    ]
    return "\n".join(parts)


def _table(definitions: Iterable[Definition]) -> Iterator[str]:
    yield "| name | type | labels | meaning |\n|---|---|---|---|"
    for definition in definitions:
        labels = ", ".join(f"`{label}`" for label in definition.labels)
        yield f"| `{definition.name}` | {definition.kind} | {labels} | {definition.help} |"
    yield ""


def _words(title: str, words: type[StrEnum]) -> Iterator[str]:
    """The members of a vocabulary with the comments that stand beside them."""
    comments = _comments(words.__name__)
    yield f"| {title} | meaning |\n|---|---|"
    for word in words:
        yield f"| `{word}` | {comments.get(word.name, '')} |"
    yield ""


def _comments(name: str) -> dict[str, str]:
    source = Path(model.__file__).read_text(encoding="utf-8")
    lines = source.splitlines()
    (found,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name)
    members = (node for node in found.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))
    return {ast.unparse(node.targets[0]): lines[node.lineno - 1].partition("# ")[2] for node in members}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
