"""What the commands of the command line do. Each returns its exit status."""

import argparse
import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from exporter.commands.flags import DEFAULT_LISTEN, USAGE
from exporter.commands.greeting import counts, greet
from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.words import lines
from exporter.commands.probe import (
    CannotReceive,
    Unknown,
    key_of,
    left_behind,
    may_still_come,
    one_trip,
    picture_of,
)
from exporter.commands.review import in_the_way, review
from exporter.commands.serve import Options, serve
from exporter.config.load import Reading
from exporter.config.mistakes import Mistake, Mistakes
from exporter.config.parts import state_of_all
from exporter.config.types import Listen
from exporter.core.logs import FORMATS, log_to_stderr
from exporter.core.model import ProbeRefused
from exporter.core.threads import at_work
from exporter.net.listening import hindrance
from exporter.settings import Settings
from exporter.state.schema import StateUnusable
from exporter.terminal import as_json, transcript
from exporter.terminal.screen import Screen
from exporter.web.external_url import Whereabouts
from exporter.web.listeners import CannotListen, Door, handed_over
from exporter.web.web_config import WebFile, load_web_options

log = logging.getLogger(__name__)

OK, FAILED = 0, 1


class CannotStart(Exception):
    """Why a command cannot do its work: one clear line."""


LAST_MOMENT = 4.7  # seconds from the signal to the end
_NOT_ENDED = "not everything has ended %g s after the signal: leaving all the same"

REFUSALS = (CannotStart, CannotListen, CannotReceive, ProbeRefused, StateUnusable, Unknown)
"""What ends a command with one clear line."""


def run_serve(options: argparse.Namespace) -> int:
    log_to_stderr(options.log_level, options.log_format)
    files = options.config_files
    state_of_files = state_of_all(
        files
    )  # before they are read: what changes from now on is another configuration
    reading = Settings.reading(*files)
    settings, doubts = reading.options, review(reading)
    web_file = WebFile(options.web_config_file) if options.web_config_file else None
    doors, whereabouts = _doors(options), _whereabouts(options)
    state_dir = options.state_dir or Path(settings.state.dir)
    if not files:
        asyncio.run(check_embedded(settings))

    def ready() -> None:
        with suppress(OSError):  # the disk of the log is full: mail is probed all the same
            https = bool(web_file and web_file.rules.tls)
            greet(
                files,
                settings,
                state_dir,
                doors[0],
                whereabouts,
                https=https,
                as_log=options.log_format != FORMATS[0],
            )
        _warn(doubts)

    how = Options(
        doors,
        options.web_max_targets,
        web_file,
        whereabouts,
        partial(_read_again, files),
        files=lambda: state_of_all(files),
        files_as_read=state_of_files,
        watch=options.auto_reload,
        ready=ready,
        stopping=leave_in_time,
    )
    asyncio.run(serve(settings, state_dir, how))
    if at_work():
        leave_at_once()
    return OK


def leave_at_once() -> None:
    """Without closing what a thread has in its hands: a disk that stalls does not close a file
    either."""
    logging.shutdown()
    os._exit(OK)


def leave_in_time(seconds: float = LAST_MOMENT, leave: Callable[[int], object] = os._exit) -> None:
    """Ends the process after so many seconds, whatever it waits for: a disk that stalls, a thread
    that computes."""

    def end() -> None:
        told = threading.Thread(
            target=log.error, args=(_NOT_ENDED, seconds), daemon=True
        )  # the log's disk, perhaps
        told.start()
        told.join(0.1)
        leave(OK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def check_embedded(settings: Settings) -> None:
    """Raises CannotStart if the one receiver that it has cannot listen.

    A mailtrip with a configuration goes on: its other mailboxes may be good.
    """
    for mailbox in settings.mailboxes.values():
        number, why = await hindrance(mailbox.smtpd.listen) if mailbox.smtpd else (0, "")
        if number:
            another = "another mailtrip without a configuration runs here, most likely"
            raise CannotStart(
                f"{why}: {another}. Stop it, or give this one a configuration: --config.file FILE"
            )


def _read_again(files: Sequence[str]) -> Settings:
    reading = Settings.reading(*files)
    _warn(review(reading))
    return reading.options


def _warn(doubts: Iterable[Mistake]) -> None:
    for one in doubts:
        log.warning("%s", one)


def _doors(options: argparse.Namespace) -> list[Door]:
    if not options.web_systemd_socket:
        return _apart(options.web_listen_address or [Listen(DEFAULT_LISTEN)])
    if options.web_listen_address:
        raise CannotStart(
            "--web.systemd-socket and --web.listen-address exclude each other: use one of them"
        )
    return handed_over()


def _apart(doors: list[Door]) -> list[Door]:
    """Raises CannotStart if two of them want the same port: it would be in use, and by nobody
    else."""
    ports = [one for one in doors if isinstance(one, Listen) and one.port]
    for number, one in enumerate(ports):
        for other in ports[:number]:
            if one == other:
                raise CannotStart(f"--web.listen-address {one} is given twice: remove one")
            if one.port == other.port and "" in (one.host, other.host):
                both = f"--web.listen-address {other} and {one}"
                raise CannotStart(f"{both} overlap: without a host it is every address")
    return doors


def _whereabouts(options: argparse.Namespace) -> Whereabouts:
    try:
        return Whereabouts.of(
            options.web_external_url, options.web_route_prefix, options.web_allowed_hosts
        )
    except ValueError as error:
        raise CannotStart(str(error)) from None


def run_check(options: argparse.Namespace) -> int:
    configurations = [[file] for file in options.files] + (
        [options.config_files] if options.config_files else []
    )
    good = partial(_in_a_configuration, here=not options.syntax_only, usage=not options.attempt)
    checks: list[tuple[list[str], Callable[..., str]]] = [(files, good) for files in configurations]
    if options.web_config_file:
        checks.append(([options.web_config_file], _in_a_web_file))
    if not checks:
        raise CannotStart(
            "there is nothing to check: name a FILE, --config.file FILE or --web.config.file FILE"
        )
    status = OK
    for files, what_is in checks:
        try:
            found = what_is(*files)
        except Mistakes as mistakes:
            print(mistakes, file=sys.stderr)
            status = USAGE
        else:
            print(f"{', '.join(files)}: good: {found}", flush=True)
    if options.attempt and status == OK:
        log_to_stderr("ERROR")
        return asyncio.run(_try(configurations))
    return status


def _in_a_configuration(*files: str, here: bool, usage: bool) -> str:
    """What is in it. Prints warnings, and raises Mistakes with them if there is anything worse."""
    reading: Reading[Settings] = Settings.reading(*files)
    doubts = review(reading, here=here, usage=usage)
    if not all(one.warning for one in doubts):
        raise Mistakes(doubts)
    for one in doubts:
        print(one, file=sys.stderr)
    return counts(reading.options) + (f", warnings: {len(doubts)}" if doubts else "")


def _in_a_web_file(file: str) -> str:
    options = load_web_options(file)
    scheme = "HTTPS" if options.tls_server_config else "HTTP"
    users = len(options.basic_auth_users or ())
    limit = options.rate_limit and options.rate_limit.interval
    return (
        f"{scheme}, users: {users or 'everybody'}, requests:"
        f" {'limited' if limit else 'without limit'}"
    )


async def _try(configurations: Sequence[Sequence[str]]) -> int:
    status = OK
    with Screen().status("asking the servers; one that is silent takes its session_timeout …"):
        for files in configurations:
            async for attempt in attempts(Settings.load(*files)):
                print(*lines(attempt), sep="\n", flush=True)
                status = FAILED if attempt.failure else status
    return status


def run_probe(options: argparse.Namespace) -> int:
    log_to_stderr("ERROR")
    reading = Settings.reading(*options.config_files)
    settings = reading.options
    key = key_of(settings, options.name, options.module, configured=bool(options.config_files))
    if lacking := in_the_way(reading, key.module):  # no verdict about mail, and nothing is sent
        raise Mistakes(lacking)
    outcome = asyncio.run(one_trip(settings, key, quiet=options.json))
    if options.json:
        print(as_json(outcome))
    else:
        console = Screen()
        if outcome.failure or options.transcript:
            transcript(outcome, console)  # it is long, and what is read first comes last
        picture_of(settings, key).result(outcome, console)
    if may_still_come(outcome):
        print(left_behind(key, settings), file=sys.stderr)
    return OK if outcome.success else FAILED


def run_schema(options: argparse.Namespace) -> int:
    print(json.dumps(Settings.json_schema(), indent=2))
    return OK


COMMANDS = {"serve": run_serve, "check": run_check, "probe": run_probe, "schema": run_schema}
"""By their names on the command line."""
