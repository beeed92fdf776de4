"""A trip that the running `mailtrip serve` makes for `mailtrip probe`: only that one hears the SMTP
receiver, or can read the secrets."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rich.text import Text

from exporter.commands.local_socket import running_here
from exporter.commands.review import is_lacking
from exporter.commands.running_server import CURE, NoAnswer, RunningServer
from exporter.core.json_output import parsed
from exporter.core.model import Outcome, ProbeKey, Span
from exporter.core.timing.clock import Clock
from exporter.net.listening import listen_problem
from exporter.settings import Settings
from exporter.terminal import ProgressLine, progress_of
from exporter.terminal.screen import Screen

POLL = 0.2  # seconds between two looks at the trip
SPARE = 120.0  # seconds that it may take longer than its timeout: to start, to delete, to compare
INSTANT = 0.001  # seconds: a span that ends so close to now is in progress
NEW = "the running mailtrip makes this trip, which is on its pages"
NOT_NEW = (
    "the running mailtrip had a trip of this probe in progress, or had only just made one: this is"
    " that trip"
)


class NotHandedOver(Exception):
    """The running mailtrip does not make the trip, or no longer reports on it: one line."""


def taker(settings: Settings, key: ProbeKey) -> str:
    """The socket of the running mailtrip that has to make the trip of this probe. Empty if this
    process can make it, or if none runs here."""
    module = settings.modules.get(key.module)
    state = settings.state
    named = state.dir if "dir" in state.model_fields_set else ""
    running = running_here(named) if module else ""
    if not module or not running:
        return ""
    receptions = [settings.mailboxes[name].how.reception for name in module.mailboxes]
    listen = [one.listen for one in receptions if one]
    if listen and module.heartbeat:  # it has seen what came before
        return running
    taken = any(asyncio.run(listen_problem(one))[0] for one in listen)
    return running if taken or is_lacking(settings, key.module) else ""


class HandOver:
    """One trip of the mailtrip at this socket."""

    def __init__(self, socket: str, settings: Settings, key: ProbeKey, *, quiet: bool) -> None:
        module = settings.modules[key.module]
        self._settings, self._key, self._quiet, self._clock = settings, key, quiet, Clock()
        self._timeout = module.timeout
        self._trip = ""
        self._verdict: Outcome | None = None  # facts may still be added
        limit = module.timeout + 4 * module.session_timeout + SPARE
        self._server = RunningServer(f"unix:{socket}", limit=limit, clock=self._clock)

    def make(self) -> Outcome:
        """Shows the progress on standard error. Raises NotHandedOver."""
        console, aside = Screen(stderr=True, quiet=self._quiet), Screen(stderr=True)
        try:
            self._start(console)
            with console.status("…") as status:
                line = ProgressLine(self._clock, self._timeout)
                display = progress_of(self._settings.scope(self._key.module))
                self._follow(_Progress(display(console, status, line)))
        except (NoAnswer, ValueError) as error:
            why = "its answer is not understood"
            if isinstance(error, NoAnswer):
                why = str(error).removesuffix(f"; {CURE}")
            text = f"the running mailtrip makes no trip: {why}"
            if self._trip:
                goes_on = f"the running mailtrip continues trip {self._trip}"
                text = f"{goes_on}, but no longer reports on it: {why}"
            raise NotHandedOver(text) from None
        except BaseException:  # Ctrl-C, SIGTERM
            if not self._verdict:
                trip = f"continues trip {self._trip}" if self._trip else "may make the trip"
                words = f"\ninterrupted; the running mailtrip {trip}"
                aside.print(Text(words), soft_wrap=True)
                raise
        assert self._verdict is not None  # noqa: S101 - else it would go on
        return self._verdict

    def _start(self, console: Screen) -> None:
        """Raises NoAnswer."""
        digest = self._settings.digest_of(self._key.module)
        wanted = {"module": self._key.module, "target": self._key.target, "configuration": digest}
        match self._server.request("POST", "/trips", wanted):
            case {"trip": str(trip), "started": bool(started)}:
                self._trip = trip
                words = NEW if started else NOT_NEW
                console.print(Text(words), soft_wrap=True)
                return
        raise self._server.says_something_else

    def _follow(self, progress: "_Progress") -> None:
        """Until nothing more will be known of the trip. Raises NoAnswer and ValueError."""
        complete = False
        while not complete:
            document = self._look(self._trip)
            outcome, complete = parsed(document), document["complete"]
            in_progress = document["success"] is None
            progress.show(outcome, in_progress=in_progress)
            if not in_progress:
                self._verdict = outcome
            if not complete:
                time.sleep(POLL)

    def _look(self, trip: str) -> Mapping[str, Any]:
        """Raises NoAnswer."""
        document: Mapping[str, Any]
        match document := self._server.request("GET", f"/trips/{trip}"):
            case {"complete": bool(), "success": _}:
                return document
        raise self._server.says_something_else


class _Progress:
    """Shows the spans of a trip as if it were our own: each when it begins, and when it ends."""

    def __init__(self, show: Callable[[Span], None]) -> None:
        self._show = show
        self._begun, self._ended = set[object](), set[object]()

    def show(self, outcome: Outcome, *, in_progress: bool) -> None:
        for span in outcome.spans:
            which = span.phase, span.step, span.start
            ends = span.start + span.duration
            if in_progress and ends > outcome.duration - INSTANT:
                if which not in self._begun:
                    self._show(replace(span, duration=-1.0))
                    self._begun.add(which)
            elif which not in self._ended:
                self._show(span)
                self._ended.add(which)
