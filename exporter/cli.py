"""The command line. Flags are spelled as those of Prometheus' own exporters."""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console

from exporter import __version__
from exporter.by_hand import Unknown, key_of, left_behind, may_still_come, one_trip, picture_of
from exporter.config.mistakes import Mistakes
from exporter.config.parts import state_of_all
from exporter.config.types import Listen
from exporter.logs import FORMATS, log_to_stderr
from exporter.model import ProbeRefused
from exporter.private_file import write_no_core_file
from exporter.probes import DEFAULT_MAX_TARGETS
from exporter.serving import Options, serve
from exporter.settings import Settings
from exporter.state_file import StateUnusable
from exporter.terminal import as_json, transcript
from exporter.terminal.attempts import lines
from exporter.trying import attempts
from exporter.web.doors import CannotListen, Door, UnixPath, door, handed_over
from exporter.web.webfile import WebFile, load_web_options
from exporter.web.whereabouts import Whereabouts

log = logging.getLogger(__name__)

DEFAULT_LISTEN = ":10925"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
OK, FAILED, USAGE = 0, 1, 2
INTERRUPTED, UNHEARD, TERMINATED = 130, 141, 143  # what a shell says when SIGINT, SIGPIPE, SIGTERM ends a command


class CannotStart(Exception):
    """Why a command cannot do its work: one clear line, or one for each mistake."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, and ends the process with its exit status."""
    _take_any_encoding()
    options = _parser().parse_args(arguments)
    write_no_core_file()
    if options.command is not _serve:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # a terminal that is closed ends the command
    try:
        status = options.command(options)
        sys.stdout.flush()
    except (CannotStart, CannotListen, Mistakes, ProbeRefused, StateUnusable, Unknown) as error:
        print(error if isinstance(error, Mistakes) else f"mailtrip: {error}", file=sys.stderr)
        status = USAGE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except asyncio.CancelledError:
        status = TERMINATED
    except BrokenPipeError:  # whoever reads has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes
        status = UNHEARD
    sys.exit(status)


def _take_any_encoding() -> None:
    """In a locale that cannot say ✓, a question mark will do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


# ---------------------------------------------------------------- commands


def _serve(options: argparse.Namespace) -> int:
    log_to_stderr(options.log_level, options.log_format)
    files = options.config_files
    state_of_files = state_of_all(files)  # before they are read: what changes from now on is another configuration
    settings = _settings(options)
    web_file = WebFile(options.web_config_file) if options.web_config_file else None
    doors, whereabouts = _doors(options), _whereabouts(options)
    with suppress(OSError):  # the disk of the log is full: mail is probed all the same
        scheme = "https" if web_file and web_file.rules.tls else "http"
        url = whereabouts.external_url or f"{scheme}://{_host(doors[0])}{whereabouts.prefix}"
        _greet(files, settings, url, as_log=options.log_format != FORMATS[0])
    state_dir = options.state_dir or Path(settings.state.dir)
    read = partial(Settings.load, *files) if files else Settings.embedded
    how = Options(
        doors, options.web_max_targets, web_file, whereabouts, read,
        files=lambda: state_of_all(files), files_as_read=state_of_files, watch=options.auto_reload,
    )  # fmt: skip
    asyncio.run(serve(settings, state_dir, how))
    return OK


def _settings(options: argparse.Namespace) -> Settings:
    return Settings.load(*options.config_files) if options.config_files else Settings.embedded()


def _doors(options: argparse.Namespace) -> list[Door]:
    if not options.web_systemd_socket:
        return options.web_listen_address or [Listen(DEFAULT_LISTEN)]
    if options.web_listen_address:
        raise CannotStart("--web.systemd-socket and --web.listen-address exclude each other: use one of them")
    return handed_over()


def _whereabouts(options: argparse.Namespace) -> Whereabouts:
    try:
        return Whereabouts.of(options.web_external_url, options.web_route_prefix)
    except ValueError as error:
        raise CannotStart(str(error)) from None


def _check(options: argparse.Namespace) -> int:
    configurations = [[file] for file in options.files] + ([options.config_files] if options.config_files else [])
    checks: list[tuple[list[str], Callable[..., str]]] = [(files, _in_a_configuration) for files in configurations]
    if options.web_config_file:
        checks.append(([options.web_config_file], _in_a_web_file))
    if not checks:
        raise CannotStart("there is nothing to check: name a FILE, --config.file FILE or --web.config.file FILE")
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


async def _try(configurations: Sequence[Sequence[str]]) -> int:
    status = OK
    with Console(highlight=False).status("asking the servers; one that is silent takes its session_timeout …"):
        for files in configurations:
            async for attempt in attempts(Settings.load(*files)):
                print(*lines(attempt), sep="\n", flush=True)
                status = FAILED if attempt.failure else status
    return status


def _probe(options: argparse.Namespace) -> int:
    log_to_stderr("ERROR")
    settings = _settings(options)
    key = key_of(settings, options.name, options.module, configured=bool(options.config_files))
    outcome = asyncio.run(one_trip(settings, key, quiet=options.json))
    if options.json:
        print(as_json(outcome))
    else:
        console = Console(highlight=False)
        if outcome.failure or options.transcript:
            transcript(outcome, console)  # it is long, and what is read first comes last
        picture_of(settings, key).result(outcome, console)
    if may_still_come(outcome):
        print(left_behind(key, settings), file=sys.stderr)
    return OK if outcome.success else FAILED


def _schema(options: argparse.Namespace) -> int:
    print(json.dumps(Settings.json_schema(), indent=2))
    return OK


# ---------------------------------------------------------------- words


def _host(door: Door) -> str:
    """Where we are reached there, for a URL."""
    if isinstance(door, UnixPath):
        return str(door)
    host, port = (door.host, door.port) if isinstance(door, Listen) else _inet(door)
    host = host if host not in ("", "0.0.0.0", "::") else "localhost"  # noqa: S104
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _inet(door: socket.socket) -> tuple[str, int]:
    name = door.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else (str(name), 0)


def _greet(files: Sequence[str], settings: Settings, url: str, *, as_log: bool) -> None:
    if as_log:
        log.info("mailtrip %s: %s; see %s/", __version__, _counts(settings), url)
        return
    print(f"mailtrip {__version__}")
    if files:
        print(f"  {', '.join(files)}: {_counts(settings)}; see {url}/", flush=True)
        return
    key = settings.probes[0]
    print("  There is no configuration, so mailtrip sends messages to itself and receives them itself.")
    print(f"  Look here:  {url}/  and  {url}/metrics  and  {url}/probe?module={key.module}&target={key.target}")
    print("  Do next:    copy examples/straight.yml to mailtrip.yml, make it yours, then")
    print("              mailtrip check mailtrip.yml && mailtrip serve --config.file mailtrip.yml", flush=True)


def _in_a_configuration(*files: str) -> str:
    return _counts(Settings.load(*files))


def _in_a_web_file(file: str) -> str:
    options = load_web_options(file)
    scheme = "HTTPS" if options.tls_server_config else "HTTP"
    users = len(options.basic_auth_users or ())
    limit = options.rate_limit and options.rate_limit.interval
    return f"{scheme}, users: {users or 'everybody'}, requests: {'limited' if limit else 'without limit'}"


def _counts(settings: Settings) -> str:
    return f"modules: {len(settings.modules)}, mailboxes: {len(settings.mailboxes)}, probes: {len(settings.probes)}"


def _door(text: str) -> Door:
    try:
        return door(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailtrip", description="E-mail round-trip exporter for Prometheus.")
    parser.add_argument("--version", action="version", version=f"mailtrip {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    configuration = argparse.ArgumentParser(add_help=False)
    help_files = "a file, or a directory of them; several are one configuration together; default: a trip to itself"
    configuration.add_argument("--config.file", dest="config_files", metavar="FILE", action="append", default=[],
        help=help_files)  # fmt: skip

    serving = commands.add_parser("serve", parents=[configuration], help="make trips and answer Prometheus")
    _add_serve_flags(serving)
    serving.set_defaults(command=_serve)

    checking = commands.add_parser("check", help="report every mistake in configuration files")
    checking.add_argument("files", nargs="*", metavar="FILE", help="a file or a directory; each is a configuration")
    help_together = "a file of several that are one configuration together"
    checking.add_argument("--config.file", dest="config_files", metavar="FILE", action="append", default=[],
        help=help_together)  # fmt: skip
    checking.add_argument("--web.config.file", dest="web_config_file", metavar="FILE", help="a web configuration, too")
    help_try = "also resolve, connect and log in wherever a trip would; sends nothing; exit 1 if something fails"
    checking.add_argument("--try", dest="attempt", action="store_true", help=help_try)
    checking.set_defaults(command=_check)

    probing = commands.add_parser("probe", parents=[configuration], help="make one trip now and show it")
    probing.add_argument("name", metavar="NAME|TARGET", help="a name in probes:, or with --module a target")
    probing.add_argument("--module", metavar="MODULE", help="a name in modules:, to be pointed at TARGET")
    help_json = "print the outcome as one JSON document; see docs/cli.md"
    probing.add_argument("--json", action="store_true", help=help_json)
    help_transcript = "print what was said with the servers; after a failure that is done anyhow"
    probing.add_argument("--transcript", action="store_true", help=help_transcript)
    probing.set_defaults(command=_probe)

    schema = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema.set_defaults(command=_schema)
    return parser


def _add_serve_flags(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    help_listen = f"where to answer HTTP; also unix:PATH; may be given several times; default {DEFAULT_LISTEN}"
    add("--web.listen-address", dest="web_listen_address", metavar="HOST:PORT", type=_door, action="append",
        help=help_listen)  # fmt: skip
    help_socket = "answer HTTP on the sockets of systemd's .socket unit"
    add("--web.systemd-socket", dest="web_systemd_socket", action="store_true", help=help_socket)
    help_url = "the URL by which people and Prometheus reach mailtrip, if that is a proxy's"
    add("--web.external-url", dest="web_external_url", metavar="URL", help=help_url)
    help_prefix = "the path in front of all others; default: that of --web.external-url"
    add("--web.route-prefix", dest="web_route_prefix", metavar="PATH", help=help_prefix)
    help_reload = "reload when the configuration's files change; without it: SIGHUP, or POST /-/reload"
    add("--config.enable-auto-reload", dest="auto_reload", action="store_true", help=help_reload)
    help_web = "TLS, logins and limits, in the format of Prometheus' exporter-toolkit; see docs/web.md"
    add("--web.config.file", dest="web_config_file", metavar="FILE", help=help_web)
    help_targets = "at most so many probes are kept; default %(default)s"
    add("--web.max-targets", dest="web_max_targets", metavar="N", type=int, default=DEFAULT_MAX_TARGETS,
        help=help_targets)  # fmt: skip
    add("--state.dir", dest="state_dir", metavar="DIR", type=Path, help="overrides state.dir of the configuration")
    add("--log.level", dest="log_level", default="INFO", type=str.upper, choices=LOG_LEVELS, help="default %(default)s")
    help_format = "json: one object a line, with the trip's id; default %(default)s"
    add("--log.format", dest="log_format", default=FORMATS[0], choices=FORMATS, help=help_format)
