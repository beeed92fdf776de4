"""`mailtrip status`: how the probes of a running mailtrip do, for people, scripts and monitoring
systems. It sends nothing."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from exporter.commands.exit_status import FAILED, OK, UNKNOWN, CannotStart
from exporter.commands.running_server import NoAnswer, RunningServer
from exporter.commands.status import nagios
from exporter.commands.status.judgement import Judgement, Thresholds, judge
from exporter.commands.status.probe_status import NotOurs, ProbeStatus
from exporter.commands.status.summary import worst_of
from exporter.commands.status.table import details, table
from exporter.core.availability.window import matches
from exporter.core.severity import Severity

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""

PAGE = 1000  # probes of one answer
MOST_PROBES = 20 * PAGE
LONGEST_SEARCH = 320  # characters


class _Found(NamedTuple):
    """A probe, and what mailtrip says of it, word by word."""

    judgement: Judgement
    item: dict[str, Any]


def run(options: argparse.Namespace) -> int:
    thresholds = Thresholds(options.warning, options.critical)
    server = RunningServer.of(options)
    try:
        found = _found(server, options, thresholds)
        lines = _output(found, server, options, thresholds)
    except NoAnswer as error:
        return _without_answer(str(error), server, options)
    for line in lines:
        print(line)
    severity = worst_of([one.judgement for one in found])
    return severity.exit_status if options.format == "nagios" else _STATUS[severity]


_STATUS = {
    Severity.OK: OK,
    Severity.WARNING: FAILED,
    Severity.CRITICAL: FAILED,
    Severity.UNKNOWN: UNKNOWN,
}


def _output(
    found: Sequence[_Found],
    server: RunningServer,
    options: argparse.Namespace,
    thresholds: Thresholds,
) -> list[str]:
    """Raises NoAnswer if an answer contains what is no JSON."""
    judgements = [one.judgement for one in found]
    one = len(found) == 1 and bool(options.name) and not _is_pattern(options.name)
    page = _page_of(judgements[0].probe, server.address) if one else ""
    if options.format == "json":
        probes = [
            one.item | {"verdict": one.judgement.severity, "words": one.judgement.words}
            for one in found
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


def _found(
    server: RunningServer, options: argparse.Namespace, thresholds: Thresholds
) -> list[_Found]:
    """The probes that are asked for, in the order of the configuration. Raises NoAnswer."""
    name, module = options.name or "", options.module or ""
    query = {} if _is_pattern(name) else {"search": f"{module} {name}".strip()[:LONGEST_SEARCH]}
    probes = [*_probes(server, query)]
    now = server.now
    found = [
        _Found(judge(probe, now, thresholds), item)
        for probe, item in probes
        if _is_asked_for(probe, name, module)
    ]
    if not found:
        raise NoAnswer(_nothing(server, name, module))
    return found


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _is_asked_for(probe: ProbeStatus, name: str, module: str) -> bool:
    """With a module, by the target; otherwise as in windows of maintenance."""
    if module:
        return probe.module == module and (not name or matches(name, probe.target))
    return not name or matches(name, probe.called)


def _probes(
    server: RunningServer, query: dict[str, str]
) -> Iterator[tuple[ProbeStatus, dict[str, Any]]]:
    """The probes that the API finds, and what it says of each. Raises NoAnswer."""
    for offset in range(0, MOST_PROBES, PAGE):
        stated = urlencode(query | {"limit": str(PAGE), "offset": str(offset)})
        match server.request("GET", f"/probes?{stated}"):
            case {"items": list(items), "next": following}:
                pass
            case _:
                raise server.says_something_else
        try:
            yield from [(ProbeStatus.read(item), item) for item in items]
        except NotOurs:
            raise server.says_something_else from None
        if not following:
            return
    raise NoAnswer(f"{server.address} has more than {MOST_PROBES:,} probes: name some of them")


def _nothing(server: RunningServer, name: str, module: str) -> str:
    """Why no probe was found. Raises NoAnswer."""
    if not name and not module:
        return f"there are no probes yet at {server.address}"
    from exporter.config.mistakes import suggestion  # which takes a while

    probes = [probe for probe, _ in _probes(server, {})]
    targets = {probe.target for probe in probes if probe.module == module}
    if targets:
        what, asked, known = f"target {name!r} of module {module}", name, targets
    elif module:
        what, asked, known = f"module {module!r}", module, {probe.module for probe in probes}
    else:
        what, asked, known = f"probe {name!r}", name, {probe.called for probe in probes}
    return f"no {what} at {server.address}{suggestion(asked, sorted(known))}"


def _page_of(probe: ProbeStatus, address: str) -> str:
    """The address of its trips; empty if mailtrip only listens on a socket in the file system."""
    if address.startswith("unix:"):
        return ""
    query = (
        {"probe": probe.name} if probe.name else {"module": probe.module, "target": probe.target}
    )
    return f"{address}/trips?{urlencode(query, quote_via=quote)}"
