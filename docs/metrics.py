"""Writes docs/metrics.md from the table of series in exporter/metrics/definitions.py and the
vocabulary in model.py.

Run it in the project's directory: python -m docs.metrics
"""

import ast
import inspect
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from exporter.blocklists import QueryFailure
from exporter.core.model import Phase, Reason, Step
from exporter.metrics.definitions import (
    OF_A_BLOCKLIST_CHECK,
    OF_A_ROUND_TRIP,
    OF_EVERY_PROBE,
    OF_THE_EXPORTER,
    ONLY_ON_PROBE,
    Definition,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/metrics.md"
COMMAND = "python -m docs.metrics"

INTRODUCTION = f"""\
<!-- Generated from exporter/metrics/definitions.py and exporter/core/model.py by "{COMMAND}". Change those. -->

# Metrics

On `/probe` stand the series of one probe, as blackbox_exporter's users know it. On `/metrics` stand the same series of
every probe in `probes:`, with the label `probe`, and those of the exporter itself. A probe has the series of its kind,
round trip or blocklist check, and none of the other. Every counter and histogram of a
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

What is behind `phase`, `step`, `reason` and `code`, and where to look first, is in [faults.md](faults.md).

Start alerts from these:

```promql
mailtrip_success == 0                                        # the newest trip failed
mailtrip_last_failure_info                                   # where and why: phase, step, reason, code
mailtrip_leg_success == 0                                    # which part to blame: leg
time() - mailtrip_last_success_timestamp_seconds > 3600      # nothing has come for an hour
increase(mailtrip_lost_total[1h]) > 0                        # a message never came
mailtrip_last_failure_info{{reason="listed"}}                  # a blocklist that matters lists us
mailtrip_dnsbl_list_usable == 0                              # a blocklist does not answer us, or is gone
```
"""


CODES = """\
The label `code` is what the other side said in one word, so that it can be looked up; empty where it said none.

| after | the code is |
|---|---|
| an SMTP command | the reply code: `550`, `452`, `535` |
| `bounced` | the enhanced status code of the report (RFC 3463): `5.1.1`, `5.7.26` |
| an IMAP command | the response code (RFC 5530 and others): `AUTHENTICATIONFAILED`, `OVERQUOTA`, `NONEXISTENT` |
| a POP3 command | the response code (RFC 2449, RFC 3206): `AUTH`, `IN-USE`, `LOGIN-DELAY` |
| `dns` | how the resolver answered: `NXDOMAIN`, `SERVFAIL`, `TIMEOUT` |
| `program` | the exit code, the signal that ended the program, or why it cannot be run: `78`, `SIGKILL`, `ENOENT` |
| `listed` | what the blocklist answered: `127.0.0.2` |
"""


def page() -> str:
    parts = [
        INTRODUCTION,
        "## Only on `/probe`\n",
        *_table(ONLY_ON_PROBE),
        "## Of a probe, on `/probe` and `/metrics`\n",
        "Of every probe:\n",
        *_table(OF_EVERY_PROBE),
        "Of a probe that makes round trips:\n",
        *_table(OF_A_ROUND_TRIP),
        "Of a probe that asks blocklists ([blocklists.md](blocklists.md)):\n",
        *_table(OF_A_BLOCKLIST_CHECK),
        "## Of the exporter, only on `/metrics`\n",
        *_table(OF_THE_EXPORTER),
        "And the process's own (`process_…`, `python_info`).\n",
        "## Where a trip breaks\n",
        *_words("phase", Phase),
        "The label `step` is the detail inside the phase; empty if the trip failed in none, as when it is overdue.\n",
        *_words("step", Step),
        "## Why a trip breaks\n",
        *_words("reason", Reason),
        CODES,
        "## Why a blocklist has no answer\n",
        *_words("reason", QueryFailure),
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
    comments = _comments(words)
    yield f"| {title} | meaning |\n|---|---|"
    for word in words:
        yield f"| `{word}` | {comments.get(word.name, '')} |"
    yield ""


def _comments(words: type[StrEnum]) -> dict[str, str]:
    source = Path(inspect.getfile(words)).read_text(encoding="utf-8")
    lines = source.splitlines()
    (found,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == words.__name__
    )
    members = (
        node
        for node in found.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    )
    return {
        ast.unparse(node.targets[0]): lines[node.lineno - 1].rpartition("# ")[2] for node in members
    }


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
