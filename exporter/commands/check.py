"""`mailtrip check`: reports all errors in the files, and with `--try` the answers of the
servers."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial

from exporter.commands.exit_status import FAILED, OK, USAGE, CannotStart
from exporter.commands.review import review
from exporter.commands.summary import counts
from exporter.config.load import Reading
from exporter.config.mistakes import Mistakes
from exporter.core.logs import log_to_stderr
from exporter.settings import Settings

REFUSALS = (CannotStart,)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    configurations = [[file] for file in options.files] + (
        [options.config_files] if options.config_files else []
    )
    good = partial(_in_a_configuration, here=not options.syntax_only, usage=not options.attempt)
    checks: list[tuple[list[str], Callable[..., str]]] = [(files, good) for files in configurations]
    if options.web_config_file:
        checks.append(([options.web_config_file], _in_a_web_file))
    if not checks:
        raise CannotStart(
            "nothing to check: give a FILE, --config.file FILE or --web.config.file FILE"
        )
    status = OK
    for files, what_is in checks:
        try:
            found = what_is(*files)
        except Mistakes as mistakes:
            print(mistakes, file=sys.stderr)
            if len(mistakes.mistakes) > 1:
                print(f"{', '.join(files)}: FAILED: {_numbers(mistakes)}", file=sys.stderr)
            status = USAGE
        else:
            print(f"{', '.join(files)}: OK: {found}", flush=True)
    if options.attempt and status == OK:
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
    for one in warnings:
        print(one, file=sys.stderr)
    return counts(reading.options) + (f", warnings: {len(warnings)}" if warnings else "")


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
    from exporter.terminal.screen import Screen

    status = OK
    with Screen().status(
        "connecting to the servers; one that does not answer takes its session_timeout …"
    ):
        for files in configurations:
            async for attempt in attempts(Settings.load(*files)):
                print(*lines(attempt), sep="\n", flush=True)
                status = FAILED if attempt.failure else status
    return status
