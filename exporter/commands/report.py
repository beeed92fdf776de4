"""`mailtrip report`: the account of a month, from the state of a running or stopped mailtrip."""

import argparse
from pathlib import Path

from exporter.commands.exit_status import OK
from exporter.core.account import Month
from exporter.core.clock import Clock
from exporter.core.model import ProbeKey
from exporter.settings import Settings
from exporter.state.account import stored_account
from exporter.state.schema import StateUnusable
from exporter.terminal.report import as_csv, as_json, as_table
from exporter.terminal.screen import Screen


class NoMonth(Exception):
    """The value of --month is no month that has begun: one line with the cure."""


REFUSALS = (NoMonth, StateUnusable)
"""What ends it with one clear line."""


def run(options: argparse.Namespace) -> int:
    now = Clock().wall()
    settings = Settings.load(*options.config_files)
    names = {key: entry.name for key, entry in settings.entries.items()}
    month = _month(options.month, now)
    directory = options.state_dir or Path(settings.state.dir)
    accounts = stored_account(directory, month, now)

    def name(probe: ProbeKey) -> str | None:
        return names.get(probe)

    if options.format == "json":
        print(as_json(month, accounts, name))
    elif options.format == "csv":
        print(as_csv(accounts, name))
    elif options.format == "html":
        from exporter.web.pages.report import document

        print(document(month, accounts, name, now))
    else:
        as_table(month, accounts, name, Screen())
    return OK


def _month(text: str | None, now: float) -> Month:
    """The month that is wanted; the current one by default."""
    if text is None:
        return Month.of(now)
    try:
        month = Month.parse(text)
    except ValueError as error:
        raise NoMonth(str(error)) from None
    if month.start > now:
        raise NoMonth(f"{month} has not begun")
    return month
