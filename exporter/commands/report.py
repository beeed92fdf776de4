"""`mailtrip report`: the account of a month, from the state of a running or stopped mailtrip."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from exporter.commands.exit_status import OK
from exporter.core.availability.account import Month
from exporter.core.availability.account_output import csv_lines, json_lines
from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.settings import Settings
from exporter.state.account import stored_account
from exporter.state.schema import StateUnusable
from exporter.terminal.report import as_table
from exporter.terminal.screen import Screen


class NoMonth(Exception):
    """The value of --month is no month that has begun: one line with the cure."""


REFUSALS = (NoMonth, StateUnusable)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    now = Clock().wall()
    settings = Settings.load(*options.config_files)
    names = {key: entry.name for key, entry in settings.entries.items()}
    month = _month(options.month or "", now)
    directory = options.state_dir or Path(settings.state.dir)
    accounts = stored_account(directory, month, now)

    def name(probe: ProbeKey) -> str | None:
        return names.get(probe)

    def watched(probe: ProbeKey) -> bool:
        """Without a configuration, nothing is known of that."""
        if not options.config_files:
            return True
        known = probe.module in settings.modules
        return known and settings.allows(probe.module, probe.target)

    if options.format == "json":
        _print(json_lines(month, accounts, name))
    elif options.format == "csv":
        _print(csv_lines(accounts, name))
    elif options.format == "html":
        from exporter.web.pages.report_document import document

        print(document(month, accounts, name, watched, now))
    else:
        as_table(month, accounts, name, watched, Screen())
    return OK


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _month(text: str, now: float) -> Month:
    try:
        return Month.asked(text, now)
    except ValueError as error:
        raise NoMonth(str(error)) from None
