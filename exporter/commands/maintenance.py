"""`mailtrip maintenance`: starts, stops and lists windows of planned maintenance of a running
mailtrip."""

import argparse
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from exporter.commands.exit_status import FAILED, OK, CannotStart
from exporter.commands.flags import DEFAULT_URL, URL_VARIABLE
from exporter.core.model import one_line

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""

WINDOWS = "/api/v1/maintenance"
TIMEOUT = 30.0  # seconds
MOST = 10 << 20  # bytes of an answer


class _Failed(Exception):
    """mailtrip did not do it: one line with the cause."""


def run(options: argparse.Namespace) -> int:
    server = _Server(options.url or os.environ.get(URL_VARIABLE) or DEFAULT_URL)
    try:
        if options.action == "list":
            _list(server)
        elif options.action == "start":
            started = server.request("POST", "", _fields(options))
            print(server.in_words(started))
            for pattern in started.get("unmatched", ()):  # an older mailtrip does not say
                line = f"mailtrip: warning: {pattern} matches no probe now"
                print(one_line(line), file=sys.stderr)
        else:
            server.request("DELETE", f"/{quote(_name(options), safe='')}")
            print(f"{options.name}: stopped")
    except _Failed as failure:
        print(f"mailtrip: {failure}", file=sys.stderr)
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


def _list(server: "_Server") -> None:
    offset, more = 0, True
    while more:
        items, following = server.page(offset)
        for one in items:
            print(server.in_words(one))
        offset, more = offset + len(items), bool(following and items)


def _in_words(window: Mapping[str, Any]) -> str:
    start, end = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(window[moment]))
        for moment in ("start", "end")
    )
    state = "now" if window["lasts"] else "planned"
    probes = ", ".join(map(str, window["probes"]))
    return one_line(f"{window['name']}: {state}, {start} – {end} UTC: {probes}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the login to wherever it leads."""

    def redirect_request(self, *arguments: Any) -> None:
        """Leaves it as the answer."""


_OPENER = urllib.request.build_opener(_NoRedirects)


class _Server:
    """The API of the mailtrip at this address, which may contain a login."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port  # raises ValueError if it is no number
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise CannotStart("--url is not the address of a mailtrip: write http://HOST:10925")
        netloc = parts.netloc.rpartition("@")[2]
        self._address = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
        self._headers = {"Content-Type": "application/json"}
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"

    def page(self, offset: int) -> tuple[list[Any], Any]:
        """A page of windows, and what tells whether there are more. Raises _Failed."""
        match self.request("GET", f"?offset={offset}"):
            case {"items": list(items), "next": following}:
                return items, following
        raise _Failed(self._no_mailtrip)

    def in_words(self, window: Any) -> str:
        """A window as a line. Raises _Failed if this is none."""
        try:
            return _in_words(window)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise _Failed(self._no_mailtrip) from None

    @property
    def _no_mailtrip(self) -> str:
        return f"no answer of a mailtrip at {self._address}: it says something else"

    def request(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Any:
        """The answer. Raises _Failed."""
        wanted = urllib.request.Request(  # noqa: S310 - http and https only
            f"{self._address}{WINDOWS}{path}",
            json.dumps(fields).encode() if fields else None,
            self._headers,
            method=method,
        )
        try:
            with _OPENER.open(wanted, timeout=TIMEOUT) as answer:
                return json.loads(answer.read(MOST))
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise _Failed(_message(refusal)) from None
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            why = getattr(error, "reason", None) or error
            why = getattr(why, "strerror", None) or why
            cure = "; --url says where it is"
            text = f"no answer of a mailtrip at {self._address}: {why}{cure}"
            raise _Failed(one_line(text)) from None


def _message(refusal: urllib.error.HTTPError) -> str:
    try:
        return one_line(str(json.loads(refusal.read(MOST))["message"]))
    except (ValueError, KeyError, TypeError, OSError, HTTPException, RecursionError):
        moved = refusal.headers.get("Location", "").partition(WINDOWS)[0]
        cure = f", moved to {moved}: give this as --url" if moved else ""
        return one_line(f"refused: {refusal.code} {refusal.reason}{cure}")
