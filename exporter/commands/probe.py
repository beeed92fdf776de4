"""`mailtrip probe`: one trip in this process, which can be interrupted."""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from errno import EADDRINUSE
from functools import partial
from pathlib import Path
from urllib.parse import quote

from exporter.app import App
from exporter.checks.check import MailCheck
from exporter.commands.exit_status import FAILED, OK
from exporter.commands.greeting import own_command
from exporter.commands.handover import HandOver, NotHandedOver, taker
from exporter.commands.passwords import NoPassword
from exporter.commands.review import in_the_way
from exporter.commands.route import (
    NO_STATE,
    OWN_CA,
    Route,
    provide_passwords,
    refused_certificate,
)
from exporter.commands.status import nagios
from exporter.commands.status.judgement import Thresholds
from exporter.commands.status.of_outcome import judgement_of
from exporter.commands.token_key import KEY_FILE, shared_key
from exporter.config.mistakes import Mistakes, suggestion
from exporter.core.comparison.comparison import GOOD_TRIPS
from exporter.core.comparison.words import changes_of
from exporter.core.facts import Arrival
from exporter.core.heartbeat import HeartbeatKey, Watch
from exporter.core.logs import log_to_stderr
from exporter.core.model import (
    ExchangerVisit,
    Failure,
    Outcome,
    ProbeKey,
    ProbeRefused,
    Span,
)
from exporter.core.one_line import one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.threads import off_the_loop
from exporter.core.timing.clock import Clock
from exporter.core.timing.durations import duration
from exporter.core.timing.lateness import Lateness
from exporter.mail.tokens import PREFIX, new_trip
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.net.listening import listen_problem
from exporter.probing.probe import Probe
from exporter.settings import Settings
from exporter.state.good_trips import stored_good_trips
from exporter.state.schema import StateUnusable
from exporter.state.store import Store
from exporter.state.stored_heartbeats import stored_heartbeats
from exporter.terminal import ProgressLine, as_json, progress_of, result, transcript
from exporter.terminal.screen import Screen


class Unknown(Exception):
    """The probe does not exist: one line with the cure."""


_TAKEN = (
    "`mailtrip serve` is probably running here and receives for the mailbox {mailbox}. It"
    " refuses the messages of other processes, but makes the trip itself for its own user and for"
    " root: run this command as one of them. Or the page of the probe shows its trips, and {page}"
    " makes one when it is due"
)


_NOT_SEEN = (
    "only `mailtrip serve` can see what comes to its SMTP receiver, and the state in {directory}"
    " knows nothing of this heartbeat yet"
)


class CannotReceive(Exception):
    """The SMTP receiver that the trip needs cannot listen: one line with the cause."""


REFUSALS = (CannotReceive, NoPassword, NotHandedOver, ProbeRefused, StateUnusable, Unknown)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    log_to_stderr("ERROR")
    running, plugin = "", options.format == "nagios"
    quiet = options.json or plugin
    if options.send:
        settings, key = _on_a_route(options)
    else:
        settings, key, running = _configured(options)
    if running:
        outcome = HandOver(running, settings, key, quiet=quiet).make()
    else:
        outcome = asyncio.run(one_trip(settings, key, quiet=quiet))
    left = left_behind(key, settings) if not running and may_still_come(outcome) else ""
    if plugin:
        return _as_plugin(outcome, settings, options, left)
    if options.json:
        print(as_json(outcome))
    else:
        console = Screen()
        if outcome.failure or options.transcript:
            # What is read first comes last.
            transcript(outcome, console, whole=options.transcript)
        result(outcome, console)
    if options.send and not options.json and (words := _next_step(options, outcome)):
        print(words, file=sys.stderr)
    if left:
        print(left, file=sys.stderr)
    return OK if outcome.success else FAILED


def _configured(options: argparse.Namespace) -> tuple[Settings, ProbeKey, str]:
    """The settings, the probe that is asked for, and the socket of the running mailtrip that has to
    make its trip, if there is one. Raises Mistakes and Unknown."""
    reading = Settings.reading(*options.config_files)
    files = ", ".join(options.config_files)
    key = key_of(reading.options, options.name, options.module, files)
    running = taker(reading.options, key)
    lacking = () if running else in_the_way(reading, key.module)
    if lacking:  # no verdict about mail, and nothing is sent
        raise Mistakes(lacking)
    return reading.options, key, running


def _on_a_route(options: argparse.Namespace) -> tuple[Settings, ProbeKey]:
    """The settings that the URLs of the command line stand for. Raises Mistakes and NoPassword."""
    route = Route(
        options.send,
        options.mailbox,
        options.name,
        options.sender or "",
        tuple(options.nameservers),
        options.timeout,
    )
    reading = route.reading(NO_STATE)
    (probe,) = reading.options.probes
    route.expect_sender()
    provide_passwords(route)
    if lacking := in_the_way(reading, probe.module):
        raise Mistakes(route.explained(lacking))
    if not options.sender and options.format == "text" and not options.json:
        print(f"from {route.default_sender} (--from ADDRESS changes it)", file=sys.stderr)
    return reading.options, reading.options.key(probe.module, probe.target)


def _next_step(options: argparse.Namespace, outcome: Outcome) -> str:
    """What to do after a trip without a configuration: the command that writes one for it, or how
    a URL names the CA of a server; empty if there is nothing to say."""
    if outcome.failure:
        return OWN_CA if refused_certificate(outcome.facts) else ""
    flags = ["--send", options.send, "--mailbox", options.mailbox]
    sender = ["--from", options.sender] if options.sender else []
    words = shlex.join(["init", *flags, *sender, options.name])
    return f"To go on: {own_command(sys.argv[0])} {words}"


def _as_plugin(outcome: Outcome, settings: Settings, options: argparse.Namespace, left: str) -> int:
    """Prints the outcome as that of a plugin, and what is `left` behind."""
    thresholds = Thresholds(options.warning, options.critical)
    name = "" if options.module or options.send else options.name
    windows = (one.window for one in settings.maintenance)
    judgement = judgement_of(outcome, name, windows, thresholds)
    trip = f"trip {outcome.trip}, {duration(outcome.duration)}"
    print(nagios.about_one(judgement, thresholds, filter(None, (trip, left))))
    return judgement.severity.exit_status


def key_of(settings: Settings, name: str, module: str | None, files: str = "") -> ProbeKey:
    """The key of the named probe, or of a module and a target. `files` are those of the
    configuration, for people. Raises Unknown."""
    if module:
        return ProbeKey(module, name)
    named = {probe.name: probe for probe in settings.probes}
    if name in named:
        return settings.key(named[name].module, named[name].target)
    known = suggestion(name, named) or "; the configuration defines none"
    where = f" in {files}" if files else "; no --config.file is given"
    others = "for any other target: --module MODULE TARGET"
    if not files:
        others += "; without a configuration: --send URL --mailbox URL TARGET"
    raise Unknown(f"no probe {name!r}{where}{known} ({others})")


async def check_receiver(settings: Settings, key: ProbeKey) -> None:
    """Raises CannotReceive if the SMTP receiver of this probe cannot listen: no message could
    arrive."""
    module = settings.modules.get(key.module)
    for name in module.mailboxes if module else ():
        if not (reception := settings.mailboxes[name].how.reception):
            continue
        number, why = await listen_problem(reception.listen)
        if number == EADDRINUSE:
            page = f"/probe?module={quote(key.module)}&target={quote(key.target)}"
            why += f". {_TAKEN.format(mailbox=name, page=page)}"
        if number:
            raise CannotReceive(why)


async def one_trip(settings: Settings, key: ProbeKey, *, quiet: bool) -> Outcome:
    """Makes one trip with the key of the state, so that `serve` deletes any message that it leaves.

    Raises ProbeRefused and CannotReceive.

    When interrupted, by Ctrl-C or SIGTERM, it reports what happens to the message.
    """
    console, aside = Screen(stderr=True, quiet=quiet), Screen(stderr=True)
    if current := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    known = await _stored(settings)
    if awaited := _received_heartbeat(settings, key):
        return _judged(settings, key, known.get(awaited), Clock())
    await check_receiver(settings, key)
    with Lateness() as lateness:
        clock, store = Clock(late=lateness.between), Store.open(None)
        needed = settings.needed_for(key)
        async with App(needed, store, shared_key(settings.state), clock=clock) as app:
            app.heartbeats.restore(known)
            return await _trip_of(app, key, console, aside)


async def _stored(settings: Settings) -> dict[HeartbeatKey, Watch]:
    """What `mailtrip serve` knows about heartbeats."""
    directory = Path(settings.state.dir)
    return await off_the_loop(partial(stored_heartbeats, directory), threaded=True)


def _received_heartbeat(settings: Settings, key: ProbeKey) -> HeartbeatKey | None:
    """The heartbeat of this probe, if it comes to our SMTP receiver: only `mailtrip serve`, which
    listens all the time, has seen it."""
    module = settings.modules.get(key.module)
    if not module or not module.heartbeat:
        return None
    mailbox = settings.mailboxes[module.heartbeat.mailbox].how
    return module.heartbeat.key(key.target) if mailbox.reception else None


def _judged(settings: Settings, key: ProbeKey, watch: Watch | None, clock: Clock) -> Outcome:
    """What is known about a heartbeat without a look. Raises ProbeRefused if nothing is."""
    heartbeat = settings.modules[key.module].heartbeat
    if not heartbeat or not watch:
        raise ProbeRefused(404, "unknown_probe", _NOT_SEEN.format(directory=settings.state.dir))
    now, fact = clock.wall(), watch.fact(heartbeat.every)
    missing = fact.is_missing(now)
    problem = Failure(Phase.DELIVER, None, Reason.MISSING, "", fact.problem(now))
    return Outcome(new_trip(), key, now, 0.0, (), (fact,), problem if missing else None)


async def _trip_of(app: App, key: ProbeKey, console: Screen, aside: Screen) -> Outcome:
    probe = app.probes.get_or_create(key := app.probes.key(key.module, key.target))
    with console.status("…") as status:
        line = ProgressLine(app.clock, probe.timeout)
        show = progress_of(app.settings.scope(key.module))(console, status, line)

        def progress(span: Span) -> None:
            show(span)
            if span.reason and span.step and span.phase is Phase.OPEN:
                for words in _troubles(app.watchers.values()):
                    console.print(f"    {words}", markup=False, soft_wrap=True)

        flight = app.prober.start(probe, progress)
        try:
            outcome = await asyncio.shield(flight)  # we hear of the interruption before it does
        except asyncio.CancelledError:
            status.stop()
            aside.print(f"\n{_interrupted(probe, app.settings)}", markup=False, soft_wrap=True)
            console.quiet = True
            raise
        with suppress(asyncio.CancelledError):  # the verdict is there
            status.update("comparing with the last good trips")
            outcome = await _compared(app, probe, outcome)
        for visits in [*probe.visits.values()]:
            status.update("testing the other exchangers")
            told = await visits
            new = tuple(one for one in told if one not in outcome.facts)
            outcome = replace(outcome, facts=(*outcome.facts, *new))
    return outcome


async def _compared(app: App, probe: Probe, outcome: Outcome) -> Outcome:
    """The outcome with what changed since the good trips that `mailtrip serve` has made, if there
    are any."""
    if outcome.success or changes_of(outcome):
        return outcome
    directory = Path(app.settings.state.dir)
    before = await off_the_loop(
        partial(stored_good_trips, directory, outcome.probe, GOOD_TRIPS), threaded=True
    )
    found = await app.comparisons.compare(outcome, before, signed_by=probe.signed_by)
    return replace(outcome, facts=(*outcome.facts, found)) if found else outcome


def _troubles(watchers: Iterable[Watcher]) -> Iterator[str]:
    """Why a mailbox could not be opened, and when it is tried again."""
    for watcher in watchers:
        if trouble := watcher.trouble:
            yield f"{one_line(trouble.error.detail)}; next attempt in {trouble.pause:.1f} s"


def _interrupted(probe: Probe, settings: Settings) -> str:
    (run,) = probe.runs.values()
    after = f"interrupted after {run.now() - run.started:.1f} s"
    if not isinstance(probe.check, MailCheck):
        return after
    if run.accepted is None and not run.uncertain:
        return f"{after}; no message was sent"
    left = "may have been sent" if run.uncertain else "was sent"
    return f"{after}; the message {left}. {left_behind(probe.key, settings)}".rstrip()


def may_still_come(outcome: Outcome) -> bool:
    """Whether a server accepted the message, or one through another exchanger, and neither it nor a
    bounce arrived before the trip ended."""
    failure = outcome.failure
    if any(
        visit.failure and visit.failure.reason is Reason.OVERDUE
        for visit in outcome.facts
        if isinstance(visit, ExchangerVisit)
    ):
        return True
    if failure and failure.reason is Reason.ACCEPTED and failure.phase is Phase.SEND:
        return not any(isinstance(fact, Arrival) for fact in outcome.facts)
    if not failure or failure.reason is Reason.BOUNCED or not outcome.legs.get(Leg.SEND):
        return False
    return failure.phase in (Phase.OPEN, Phase.DELIVER)


def left_behind(key: ProbeKey, settings: Settings) -> str:
    """The text on what happens to a message that this process no longer waits for."""
    trip = settings.modules[key.module].roundtrip
    if not trip or not trip.mailbox:
        return ""
    where = f"If it still arrives in the mailbox {trip.mailbox},"
    found = f"Its subject contains a word that begins with {PREFIX}."
    if settings.state.dir == NO_STATE:
        place = settings.mailboxes[trip.mailbox].how.place
        return f"If it still arrives in {place}, it is not deleted: delete it yourself. {found}"
    if settings.state.token_key or (Path(settings.state.dir) / KEY_FILE).exists():
        return (
            f"{where} a `mailtrip serve` with the same state deletes it an hour after it was sent."
        )
    alone = f"it is not deleted: no `mailtrip serve` has used {settings.state.dir}"
    return f"{where} {alone}. {found}"
