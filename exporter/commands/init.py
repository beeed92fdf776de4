"""`mailtrip init`: asks for a way of messages, tries its servers, and writes a configuration."""

import argparse
import asyncio
import os
import shlex
import sys
from pathlib import Path

from exporter.commands.exit_status import FAILED, OK, CannotStart
from exporter.commands.greeting import own_command
from exporter.commands.passwords import NoPassword
from exporter.commands.route import (
    FROM_ENVIRONMENT,
    MAILBOX,
    NO_STATE,
    RECIPIENT,
    SEND,
    Route,
    provide_passwords,
)
from exporter.commands.setup.configuration import PROBE, text_of
from exporter.commands.setup.files import Files
from exporter.commands.setup.interview import Interview, works
from exporter.core.logs import log_to_stderr
from exporter.core.phases import Phase
from exporter.settings import Settings
from exporter.terminal.screen import Screen

REFUSALS = (CannotStart, NoPassword)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    log_to_stderr("ERROR")
    file: Path = options.config_file
    files = Files(file, replace=options.force)
    files.check(())
    route = Route(
        options.send or "", options.mailbox or "", options.name or "", options.sender or ""
    )
    route.reading(NO_STATE)  # reports errors in what is given before it asks for the rest
    if sys.stdin.isatty() and sys.stdout.isatty():
        route = Interview(route, tries=options.tries).run()
    else:
        _expect_all(route)
        provide_passwords(route)
        if options.tries and not asyncio.run(
            works(route.reading(NO_STATE).options, tuple(Phase), Screen())
        ):
            print("mailtrip: nothing is written; --no-try writes it all the same", file=sys.stderr)
            return FAILED
    _write(route, files)
    command, shown = own_command(sys.argv[0]), shlex.quote(str(file))
    print(
        "\nNext, make one trip, and then one every five minutes:\n"
        f"  {command} probe --config.file {shown} {PROBE}\n"
        f"  {command} serve --config.file {shown}"
    )
    return OK


def _expect_all(route: Route) -> None:
    """Raises CannotStart and Mistakes if something is missing that cannot be asked for."""
    given = {SEND: route.send, MAILBOX: route.mailbox, RECIPIENT: route.recipient}
    if missing := [name for name, value in given.items() if not value]:
        raise CannotStart(
            f"missing: {', '.join(missing)}; without a terminal, init cannot ask for them"
        )
    route.expect_sender()


def _write(route: Route, files: Files) -> None:
    """Writes the files. Raises CannotStart."""
    parts = [part for part in (MAILBOX, SEND) if route.needs_password(part)]
    kinds = {part: route.kind(part) for part in parts}
    alike = len({*kinds.values()}) < len(kinds)
    names = {part: f"{kind}-{part.strip('-')}" if alike else kind for part, kind in kinds.items()}
    files.check([*names.values()])
    paths = {part: files.secret(name) for part, name in names.items()}
    secrets = {part: {"file": str(paths[part])} for part in parts}
    text = text_of(route, {**FROM_ENVIRONMENT, **secrets})
    Settings.parse(text.encode(), str(files.configuration))
    files.write(
        text, {path: os.environ[FROM_ENVIRONMENT[part]["env"]] for part, path in paths.items()}
    )
    print(f"\nWritten: {files.configuration}")
    for path in paths.values():
        print(f"         {os.path.relpath(path)}, a password, readable only by this user")
