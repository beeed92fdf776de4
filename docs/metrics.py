"""Writes docs/metrics.md from the table of series in exporter/metrics/definitions.py and the
vocabulary in exporter/core.

Run it in the project's directory: python -m docs.metrics
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from exporter.blocklists.list_status import QueryFailure
from exporter.core.phases import Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.steps import Step
from exporter.metrics.definitions import (
    OF_A_BLOCKLIST_CHECK,
    OF_A_ROUND_TRIP,
    OF_EVERY_PROBE,
    OF_THE_EXPORTER,
    ONLY_ON_PROBE,
    Definition,
)

_BY_NAME = {one.name: one for one in (*OF_A_ROUND_TRIP, *OF_A_BLOCKLIST_CHECK)}

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/metrics.md"
COMMAND = "python -m docs.metrics"

INTRODUCTION = f"""\
<!-- Generated from exporter/metrics/definitions.py and the phases, steps and reasons in
exporter/core by "{COMMAND}". Change those. -->

# Metrics

`/probe` has the series of one probe, as in blackbox_exporter. `/metrics` has the same series for
every probe in `probes:`, with the label `probe`, and those of the exporter itself. A probe has the
series of its kind, round trip or blocklist check, and none of the other. Every counter and
histogram that its sender and its mailbox can move exists from the start, at 0, so that `rate()` and
`increase()` see the first failure; what they cannot do has no series: no `tls` without TLS, no step
`auth` without a login. An unexpected failure, such as `internal`, a bug, is counted too, and its
series begins with it. After a reload with another sender or mailbox the series follow; a counter
that has counted remains until a restart. Gauges of the newest trip are absent until the first trip
has finished.

A trip may take many minutes, much longer than a scrape. `probe_success` and `mailtrip_success` show
the newest *finished* trip; `mailtrip_trips_in_flight` counts those in progress.

A pair of module and target that is requested only on `/probe` makes trips while it is scraped.
After three intervals without a scrape, and at least ten minutes, it is forgotten: it leaves the
pages and `mailtrip status`. The same applies to a probe that was removed from `probes:`, if
`targets` of its module allows its target. If it is scraped
again, its outages continue.

Durations are measured with a monotonic clock. The delivery delay is the time from the server's
final 250 to the moment when the message is seen. Its error is at most 100 ms or 5 %, whichever is
larger. It is observed only if the mailbox was being watched when the message arrived. No duration
is observed in which mailtrip itself was late by more than that, because it computed, was stopped,
or got no processor. So under overload the duration of a step may be up to 100 ms too long: the
histograms of steps have no bucket below 250 ms.

Hops are the servers on the path according to the `Received` headers, oldest first. Each uses its
own clock and whole seconds, so a delay is accurate to one second, and a skew of one second is not
significant. The delay of hop 1 starts at the time of sending. If a server holds a message, the
delay appears at the hop *after* it. The newest 15 hops are shown, with their original numbers;
missing values (a name, a valid time) are omitted. The hops of a forwarded trip include both halves
of the path.

[faults.md](faults.md) explains the causes behind `phase`, `step`, `reason` and `code`, and where to
look first.

Useful expressions for alerts:

```promql
mailtrip_success == 0                                        # the newest trip failed
mailtrip_last_failure_info                                   # phase, step, reason, code
mailtrip_leg_success == 0                                    # which part of the path: leg
time() - mailtrip_last_success_timestamp_seconds > 3600      # no success for an hour
increase(mailtrip_lost_total[1h]) > 0                        # a message was lost
mailtrip_last_failure_info{{reason="listed"}}                  # a blocklist that matters lists us
mailtrip_dnsbl_list_usable == 0                              # a blocklist is not usable
```
"""


BUCKETS = """\
A histogram has one series for each bound and three more, for every probe. So there are few bounds,
and each answers a question. They are a factor of about 4 apart: a quantile from a histogram is an
estimate within one bucket. If you need an exact one, and a scrape sees every trip, use the gauge of
the newest value:

```promql
quantile_over_time(0.9, mailtrip_last_delivery_delay_seconds[1d])      # exact, of one probe
quantile_over_time(0.9, mailtrip_last_smtp_step_duration_seconds[1d])  # of every step
```

The gauge misses values if several messages arrive between two scrapes, as after a backlog; the
histogram counts all of them. So the recording rules take quantiles from the gauge, and the higher
quantiles of the delay from the histogram if a scrape did not see every message.
"""

WHY_BUCKETS = {
    "mailtrip_delivery_delay_seconds": "0.1 is the precision of the measurement. 60 is a common"
    " objective. 300 is the"
    " limit of MailtripDeliverySlow, which is exact because of it. 900 is longer than the"
    " default `timeout`, and what"
    " arrives after 3600 is late for any reader",
    "mailtrip_round_trip_duration_seconds": "for the objective *back within five minutes*; the"
    " details are in its two"
    " parts, sending and delay",
    "mailtrip_send_duration_seconds": "quick; 10 is the limit of MailtripSendingSlow; 30 is the"
    " time limit of many programs that"
    " send",
    "mailtrip_smtp_step_duration_seconds": "the ratio of slow logins and slow messages. Only steps"
    " in which a server works have a histogram. All others take as long as the network, and"
    " their newest values suffice",
    "mailtrip_mailbox_step_duration_seconds": "the same",
    "mailtrip_dnsbl_query_duration_seconds": "from memory of the resolver; near; far; slow;"
    " about to time out",
}
"""The histograms, and the reason for their bounds."""

CODES = """\
The label `code` is the code that the server returned; it is empty if there was none.

| after | the code is |
|---|---|
| an SMTP command | the reply code: `550`, `452`, `535` |
| `bounced` | the enhanced status code of the report (RFC 3463): `5.1.1`, `5.7.26` |
| an IMAP command | the response code (RFC 5530 and others): `AUTHENTICATIONFAILED`, `OVERQUOTA`, `NONEXISTENT` |
| a POP3 command | the response code (RFC 2449, RFC 3206): `AUTH`, `IN-USE`, `LOGIN-DELAY` |
| a request by JMAP | the status of HTTP, or the type of the error (RFC 8620, RFC 8621): `401`, `429`, `forbiddenFrom`, `serverFail` |
| a request to Microsoft Graph | the status of HTTP: `403`, `429`, `503` |
| `dns` | how the resolver answered: `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `TIMEOUT` |
| `program` | the exit code, the signal that ended the program, or why it cannot be run: `78`, `SIGKILL`, `ENOENT` |
| `listed` | what the blocklist answered: `127.0.0.2` |
"""  # noqa: E501


def page() -> str:
    parts = [
        INTRODUCTION,
        "## Only on `/probe`\n",
        *_table(ONLY_ON_PROBE),
        "Rules for blackbox_exporter work on these unchanged."
        " `mailtrip_tls_certificate_expiry_timestamp_seconds` and"
        " `mailtrip_tls_info` tell the servers of a trip apart.\n",
        "## Of a probe, on `/probe` and `/metrics`\n",
        "Of every probe:\n",
        *_table(OF_EVERY_PROBE),
        "Of a probe that makes round trips:\n",
        *_table(OF_A_ROUND_TRIP),
        "Of a probe that asks blocklists ([blocklists.md](blocklists.md)):\n",
        *_table(OF_A_BLOCKLIST_CHECK),
        *_buckets(),
        "## Of the exporter, only on `/metrics`\n",
        *_table(OF_THE_EXPORTER),
        "Also the series of the process (`process_…`, `python_info`).\n",
        "## Where a trip breaks\n",
        *_words("phase", {phase: phase.meaning for phase in Phase}),
        "The label `step` is the step inside the phase; it is empty if the trip did not fail in"
        " a step, for example if it is overdue.\n",
        *_steps(),
        "## Why a trip breaks\n",
        *_reasons(),
        CODES,
        "## Why a blocklist has no answer\n",
        *_words("reason", _comments(QueryFailure)),
    ]
    return "\n".join(parts)


def _table(definitions: Iterable[Definition]) -> Iterator[str]:
    yield "| name | type | labels | meaning |\n|---|---|---|---|"
    for definition in definitions:
        labels = ", ".join(f"`{label}`" for label in definition.labels)
        yield f"| `{definition.name}` | {definition.kind} | {labels} | {definition.help} |"
    yield ""


def _buckets() -> Iterator[str]:
    yield "## Buckets\n"
    yield BUCKETS
    yield "| histogram | upper bounds in seconds | why |\n|---|---|---|"
    for name, why in WHY_BUCKETS.items():
        bounds = ", ".join(f"{bound:g}" for bound in _BY_NAME[name].buckets)
        yield f"| `{name}` | {bounds} | {why} |"
    yield ""


def _words(title: str, meanings: Mapping[str, str]) -> Iterator[str]:
    yield f"| {title} | meaning |\n|---|---|"
    for word, meaning in meanings.items():
        yield f"| `{word}` | {meaning} |"
    yield ""


def _steps() -> Iterator[str]:
    yield "| step | meaning | in the phases | histogram |\n|---|---|---|---|"
    for step in Step:
        phases = ", ".join(f"`{phase}`" for phase in step.phases)
        yield f"| `{step}` | {step.meaning} | {phases} | {'yes' if step.distribution else ''} |"
    yield ""


def _reasons() -> Iterator[str]:
    """With the phases in which a trip fails so, and where to read on."""
    yield (
        "A session that breaks is opened again. If that fails until the trip ends, the trip"
        " fails with the reason, such"
        " as `connect`, in a later phase than the table says; the next trip then fails at `open`.\n"
    )
    yield "| reason | meaning | in the phases | causes | runbook |\n|---|---|---|---|---|"
    for reason in Reason:
        phases = [f"`{phase}`" for phase in reason.phases]
        if Trait.OF_A_BLOCKLIST_CHECK in reason.traits:
            phases += ["a blocklist check"]
        causes = f"[{reason.documentation.partition('.')[0]}]({reason.documentation})"
        runbook = f"[{reason.runbook}](alerts.md#{reason.runbook.lower()})"
        yield f"| `{reason}` | {reason.meaning} | {', '.join(phases)} | {causes} | {runbook} |"
    yield ""


def _comments(words: type[StrEnum]) -> dict[str, str]:
    """The members of a vocabulary with the comments that stand beside them."""
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
    comments = {
        ast.unparse(node.targets[0]): lines[node.lineno - 1].rpartition("# ")[2] for node in members
    }
    return {word.value: comments[word.name] for word in words}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
