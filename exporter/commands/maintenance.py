"""`mailtrip maintenance`: starts, stops and lists windows of planned maintenance of a running
mailtrip."""

import argparse
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from exporter.commands.exit_status import FAILED, OK, CannotStart
from exporter.commands.running_server import NoAnswer, RunningServer
from exporter.core.one_line import one_line

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""

WINDOWS = "/maintenance"


def run(options: argparse.Namespace) -> int:
    server = RunningServer.of(options)
    try:
        if options.action == "list":
            _list(server)
        elif options.action == "start":
            started = server.request("POST", WINDOWS, _fields(options))
            print(_in_words(started, server))
            for pattern in started.get("unmatched", ()):  # an older mailtrip does not say
                line = f"mailtrip: warning: {pattern} matches no probe now"
                print(one_line(line), file=sys.stderr)
        else:
            server.request("DELETE", f"{WINDOWS}/{quote(_name(options), safe='')}")
            print(f"{options.name}: stopped")
        if server.detour and options.action != "list":
            print(f"mailtrip: {server.detour}", file=sys.stderr)
    except NoAnswer as error:
        print(f"mailtrip: {error}", file=sys.stderr)
        return FAILED
    return OK


def _name(options: argparse.Namespace) -> str:
    if not options.name:
        raise CannotStart(f"maintenance {options.action} needs the NAME of a window")
    return str(options.name)


def _fields(options: argparse.Namespace) -> dict[str, object]:
    name, wanted = _name(options), {"end": options.end, "duration": options.duration}
    times = {field: text for field, text in wanted.items() if text}
    if not options.probes or len(times) != 1:
        raise CannotStart("maintenance start needs --probes, and either --for or --end")
    start = {"start": options.start} if options.start else {}
    return {"name": name, "probes": options.probes, **start, **times}


def _list(server: RunningServer) -> None:
    offset, more = 0, True
    while more:
        match server.request("GET", f"{WINDOWS}?offset={offset}"):
            case {"items": list(items), "next": following}:
                for one in items:
                    print(_in_words(one, server))
            case _:
                raise server.says_something_else
        offset, more = offset + len(items), bool(following and items)


def _in_words(window: Any, server: RunningServer) -> str:
    """A window as a line. Raises NoAnswer if this is none."""
    try:
        return _line(window)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise server.says_something_else from None


def _line(window: Mapping[str, Any]) -> str:
    start, end = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(window[moment]))
        for moment in ("start", "end")
    )
    state = "now" if window["lasts"] else "planned"
    probes = ", ".join(map(str, window["probes"]))
    return one_line(f"{window['name']}: {state}, {start} – {end} UTC: {probes}")
