"""`mailtrip serve`: reads the flags and the configuration, and limits the time of the end."""

import argparse
import asyncio
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from exporter.commands.exit_status import OK, CannotStart
from exporter.commands.flags import DEFAULT_LISTEN
from exporter.commands.greeting import FIRST, greet
from exporter.commands.lifecycle import Options as HowToServe
from exporter.commands.lifecycle import serve
from exporter.commands.review import review
from exporter.commands.review.walk import values
from exporter.config.mistakes import Mistake
from exporter.config.parts import state_of_all
from exporter.config.types import Listen, Options
from exporter.core.logs import FORMATS, log_to_stderr
from exporter.core.threads import at_work
from exporter.net.listening import listen_problem
from exporter.settings import Settings
from exporter.state.schema import StateUnusable
from exporter.web.external_url import ExternalUrl
from exporter.web.grafana import Grafana
from exporter.web.listeners import CannotListen, Listener, systemd_sockets
from exporter.web.pages.documentation import Documentation
from exporter.web.pages.time_zone import TimeZone
from exporter.web.web_config import WebConfigFile

log = logging.getLogger(__name__)

REFUSALS = (CannotStart, CannotListen, StateUnusable)
"""What ends it with one clear line."""

LAST_MOMENT = 4.7  # seconds from the signal to the end
_NOT_ENDED = "not everything has stopped %g s after the signal: exiting anyway"


def run(options: argparse.Namespace) -> int:
    log_to_stderr(options.log_level, options.log_format)
    files = options.config_files
    # Before they are read: what changes from now on is another configuration.
    state_of_files = state_of_all(files)
    settings, warnings = read(files)
    gc.collect()  # what imports have left: classes that became others, schemas of options
    web_config_file = WebConfigFile(options.web_config_file) if options.web_config_file else None
    listeners, external_url = _listeners(options), _external_url(options)
    grafana, documentation = _grafana(options), _documentation(options)
    state_dir = options.state_dir or Path(settings.state.dir)
    if not files:
        asyncio.run(check_embedded(settings))

    def ready() -> None:
        with suppress(OSError):  # the disk of the log is full: mail is probed all the same
            https = bool(web_config_file and web_config_file.config.tls)
            greet(
                files,
                settings,
                state_dir,
                listeners[0],
                external_url,
                https=https,
                as_log=options.log_format != FORMATS[0],
            )
        _warn(warnings)

    how = HowToServe(
        listeners,
        options.web_max_targets,
        options.web_admin_api,
        web_config_file,
        external_url,
        TimeZone.named(options.web_time_zone),
        partial(_read_again, files),
        files=lambda: state_of_all(files),
        files_as_read=state_of_files,
        demonstration="" if files else FIRST.read_text(encoding="utf-8"),
        config_files=[os.path.abspath(file) for file in files],
        watch=options.auto_reload,
        grafana=grafana,
        documentation=documentation,
        ready=ready,
        stopping=leave_in_time,
    )
    asyncio.run(serve(settings, state_dir, how))
    if at_work():
        leave_at_once()
    return OK


def leave_at_once() -> None:
    """Exits without closing resources of a thread, since closing a file on a stalled disk
    blocks."""
    logging.shutdown()
    os._exit(OK)


def leave_in_time(seconds: float = LAST_MOMENT, leave: Callable[[int], object] = os._exit) -> None:
    """Ends the process after so many seconds, even if it waits for a stalled disk or a busy
    thread."""

    def end() -> None:
        # In a thread: the disk of the log may be what stalls.
        told = threading.Thread(target=log.error, args=(_NOT_ENDED, seconds), daemon=True)
        told.start()
        told.join(0.1)
        leave(OK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def check_embedded(settings: Settings) -> None:
    """Raises CannotStart if the only receiver cannot listen.

    With a configuration mailtrip continues: its other mailboxes may work.
    """
    for mailbox in settings.mailboxes.values():
        reception = mailbox.how.reception
        number, why = await listen_problem(reception.listen) if reception else (0, "")
        if number:
            another = "another mailtrip without a configuration is probably running here"
            raise CannotStart(
                f"{why}: {another}. Stop it, or give this one a configuration: --config.file FILE"
            )


def read(files: Sequence[str]) -> tuple[Settings, Sequence[Mistake]]:
    """The settings, and warnings about them; the text of the files is not kept. Imports what the
    settings need."""
    reading = Settings.reading(*files)
    for _, value in values(reading.options):
        for module in value.needs if isinstance(value, Options) else ():
            import_module(module)
    return reading.options, review(reading)


def _read_again(files: Sequence[str]) -> Settings:
    settings, warnings = read(files)
    _warn(warnings)
    return settings


def _warn(warnings: Iterable[Mistake]) -> None:
    for one in warnings:
        log.warning("%s", one)


def _listeners(options: argparse.Namespace) -> list[Listener]:
    if not options.web_systemd_socket:
        return _require_distinct_ports(options.web_listen_address or [Listen(DEFAULT_LISTEN)])
    if options.web_listen_address:
        raise CannotStart(
            "--web.systemd-socket and --web.listen-address exclude each other: use one of them"
        )
    return systemd_sockets()


def _require_distinct_ports(listeners: list[Listener]) -> list[Listener]:
    """Raises CannotStart if two listeners use the same port."""
    ports = [one for one in listeners if isinstance(one, Listen) and one.port]
    for number, one in enumerate(ports):
        for other in ports[:number]:
            if one == other:
                raise CannotStart(f"--web.listen-address {one} is given twice: remove one")
            if one.port == other.port and "" in (one.host, other.host):
                both = f"--web.listen-address {other} and {one}"
                raise CannotStart(f"{both} overlap: without a host, it listens on all addresses")
    return listeners


def _external_url(options: argparse.Namespace) -> ExternalUrl:
    try:
        return ExternalUrl.from_flags(
            options.web_external_url, options.web_route_prefix, options.web_allowed_hosts
        )
    except ValueError as error:
        raise CannotStart(str(error)) from None


def _grafana(options: argparse.Namespace) -> Grafana:
    try:
        return Grafana.from_flag(options.web_grafana_url)
    except ValueError as error:
        raise CannotStart(str(error)) from None


def _documentation(options: argparse.Namespace) -> Documentation:
    try:
        return Documentation.from_flag(options.web_documentation_url)
    except ValueError as error:
        raise CannotStart(str(error)) from None
