"""`mailtrip check`: reports all errors in the files, and with `--try` the answers of the
servers."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from stat import S_ISREG
from typing import TextIO

from exporter.commands.exit_status import FAILED, OK, USAGE, CannotStart
from exporter.commands.flags import DEFAULT_CONFIG
from exporter.commands.review import review
from exporter.commands.summary import counts
from exporter.config.load import Reading, read
from exporter.config.mistakes import Mistake, Mistakes
from exporter.config.types import Options
from exporter.core.logs import log_to_stderr
from exporter.settings import Settings

Root = Callable[[], type[Options]]
"""The options of a kind of file. Those of the web configuration are imported when they are
needed."""

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    configurations = [[file] for file in options.files] + (
        [options.config_files] if options.config_files else []
    )
    good = partial(_in_a_configuration, here=not options.syntax_only, usage=not options.attempt)
    checks: list[tuple[list[str], Callable[..., str], Root]] = [
        (files, good, lambda: Settings) for files in configurations
    ]
    if options.web_config_file:
        checks.append(([options.web_config_file], _in_a_web_file, _web_options))
    if not checks:
        raise CannotStart(
            f"nothing to check: there is no {DEFAULT_CONFIG} here; give a FILE, --config.file FILE"
            " or --web.config.file FILE"
        )
    status = OK
    for files, what_is, root in checks:
        try:
            found = what_is(*files)
        except Mistakes as mistakes:
            _show(mistakes.shown, root)
            if mistakes.more:
                print(mistakes.more, file=sys.stderr)
            if len(mistakes.mistakes) > 1:
                _say(f"{', '.join(files)}: FAILED: {_numbers(mistakes)}", sys.stderr)
            status = USAGE
        else:
            _say(f"{', '.join(files)}: OK: {found}", sys.stdout)
    if options.attempt and status == OK:
        import asyncio  # takes as long as a check

        log_to_stderr("ERROR")
        return asyncio.run(_try(configurations))
    return status


def _numbers(mistakes: Mistakes) -> str:
    warnings = sum(one.warning for one in mistakes.mistakes)
    errors = f"errors: {len(mistakes.mistakes) - warnings}"
    return f"{errors}, warnings: {warnings}" if warnings else errors


def _in_a_configuration(*files: str, here: bool, usage: bool) -> str:
    """Returns a summary of the configuration. Prints warnings; raises Mistakes, warnings included,
    on errors."""
    reading: Reading[Settings] = Settings.reading(*files)
    warnings = review(reading, here=here, usage=usage)
    if not all(one.warning for one in warnings):
        raise Mistakes(warnings)
    _show(warnings, lambda: Settings)
    return counts(reading.options) + (f", warnings: {len(warnings)}" if warnings else "")


def _say(line: str, file: TextIO) -> None:
    """Prints a line, in a terminal with its verdict in colour. Else rich is not imported, which
    takes longer than the check."""
    if not file.isatty():
        print(line, file=file, flush=True)
        return
    from exporter.terminal.mistakes import with_verdict
    from exporter.terminal.screen import Screen

    Screen(stderr=file is sys.stderr).print(with_verdict(line), soft_wrap=True)


def _show(mistakes: Sequence[Mistake], root: Root) -> None:
    """Prints them, in a terminal each with the line in its file."""
    if not sys.stderr.isatty():
        for one in mistakes:
            print(one, file=sys.stderr)
        return
    from exporter.terminal.mistakes import draw
    from exporter.terminal.screen import Screen

    draw(mistakes, partial(_lines, mistakes, root), Screen(stderr=True))


def _lines(mistakes: Sequence[Mistake], root: Root, file: str) -> Mapping[int, str]:
    """The lines of a file with mistakes, by their numbers, without secrets; none if it cannot be
    read a second time."""
    from exporter.config.excerpt import OptionNames, excerpts
    from exporter.config.schema import json_schema

    places = [one.place for one in mistakes if one.file == file and one.place]
    try:
        if not S_ISREG(os.stat(file).st_mode):
            return {}
        text = read(file).decode("utf-8-sig")
    except (OSError, Mistakes, UnicodeDecodeError):
        return {}
    return excerpts(text, places, OptionNames.of(json_schema(root())))


def _web_options() -> type[Options]:
    from exporter.web.options import WebOptions

    return WebOptions


def _in_a_web_file(file: str) -> str:
    from exporter.web.web_config import load_web_options

    options = load_web_options(file)
    scheme = "HTTPS" if options.tls_server_config else "HTTP"
    users = len(options.basic_auth_users or ())
    limit = options.rate_limit and options.rate_limit.interval
    return f"{scheme}, users: {users or 'no login'}, requests: {'limited' if limit else 'no limit'}"


async def _try(configurations: Sequence[Sequence[str]]) -> int:
    from exporter.commands.preflight.attempts import attempts
    from exporter.commands.preflight.report import lines
    from exporter.terminal.mistakes import with_verdict
    from exporter.terminal.screen import Screen

    status, screen = OK, Screen()
    with screen.status(
        "connecting to the servers; one that does not answer takes its session_timeout …"
    ):
        for files in configurations:
            async for attempt in attempts(Settings.load(*files)):
                for line in lines(attempt):
                    screen.print(with_verdict(line), soft_wrap=True)
                status = FAILED if attempt.failure else status
    return status
