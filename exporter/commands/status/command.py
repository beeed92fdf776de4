"""`mailtrip status`: how the probes of a running mailtrip do, for people, scripts and monitoring
systems. It sends nothing."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from exporter.commands.exit_status import FAILED, OK, UNKNOWN, CannotStart
from exporter.commands.running_server import NoAnswer, RunningServer
from exporter.commands.status import nagios
from exporter.commands.status.judgement import Judgement, Thresholds, judge
from exporter.commands.status.probe_status import ProbeStatus
from exporter.commands.status.search import Search
from exporter.commands.status.summary import worst_of
from exporter.commands.status.table import details, table
from exporter.core.severity import Severity

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""


class _Judged(NamedTuple):
    judgement: Judgement
    item: dict[str, Any]  # what mailtrip says of the probe, word by word


def run(options: argparse.Namespace) -> int:
    search = Search(options.name or "", options.module or "")
    thresholds = Thresholds(options.warning, options.critical)
    server = RunningServer.of(options)
    try:
        found, now = search.probes(server), server.now
        judged = [_Judged(judge(probe, now, thresholds), item) for probe, item in found]
        one = len(judged) == 1 and search.names_one
        lines = _output(judged, server, options, thresholds, one=one)
    except NoAnswer as error:
        return _without_answer(str(error), server, options)
    for line in lines:
        print(line)
    severity = worst_of([each.judgement for each in judged])
    return severity.exit_status if options.format == "nagios" else _STATUS[severity]


_STATUS = {
    Severity.OK: OK,
    Severity.WARNING: FAILED,
    Severity.CRITICAL: FAILED,
    Severity.UNKNOWN: UNKNOWN,
}


def _output(
    judged: Sequence[_Judged],
    server: RunningServer,
    options: argparse.Namespace,
    thresholds: Thresholds,
    *,
    one: bool,
) -> list[str]:
    """About one probe that was named, or several. Raises NoAnswer if an answer contains what is no
    JSON."""
    judgements = [each.judgement for each in judged]
    page = _page_of(judgements[0].probe, server.address) if one else ""
    if options.format == "json":
        probes = [
            each.item | {"verdict": each.judgement.severity, "words": each.judgement.words}
            for each in judged
        ]
        return [_document(server, worst_of(judgements), probes=probes)]
    if options.format == "nagios":
        if one:
            more = details(judgements[0], page, colours=False)
            return [nagios.about_one(judgements[0], thresholds, [*more][2:])]
        return [nagios.about_all(judgements, thresholds, options.max_output)]
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    colours = colours and os.environ.get("TERM") != "dumb"
    if one:
        return [*details(judgements[0], page, colours=colours)]
    return [*table(judgements, server.address, colours=colours)]


def _without_answer(why: str, server: RunningServer, options: argparse.Namespace) -> int:
    if options.format == "json":
        print(_document(server, Severity.UNKNOWN, error=why))
    elif options.format == "nagios":
        print(nagios.headline(Severity.UNKNOWN, why))
    else:
        print(f"mailtrip: {why}", file=sys.stderr)
    return UNKNOWN


def _document(
    server: RunningServer,
    severity: Severity,
    *,
    error: str | None = None,
    probes: Sequence[dict[str, Any]] = (),
) -> str:
    """Raises NoAnswer if it contains what is no JSON."""
    fields = {
        "mailtrip": server.address,
        "at": server.now,
        "verdict": severity,
        "error": error,
        "probes": probes,
    }
    try:
        return json.dumps(fields, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        raise server.says_something_else from None


def _page_of(probe: ProbeStatus, address: str) -> str:
    """The address of its trips; empty if mailtrip only listens on a socket in the file system."""
    if address.startswith("unix:"):
        return ""
    query = (
        {"probe": probe.name} if probe.name else {"module": probe.module, "target": probe.target}
    )
    return f"{address}/trips?{urlencode(query, quote_via=quote)}"
