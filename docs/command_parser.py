"""The command line of mailtrip, as its documents read it."""

import argparse
from collections.abc import Iterator, Mapping

from exporter.commands import flags as flags_of_mailtrip

COMMAND = "python -m docs.commandline"
MADE = f'Made from exporter/commands/flags.py by "{COMMAND}". Change that, not this file.'


def command_line() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser, and those of the commands by their names."""
    return flags_of_mailtrip._parser()


def flags(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    yield from (action for action in parser._actions if action.option_strings)


def words(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments without a dash."""
    yield from (
        action
        for action in parser._actions
        if not action.option_strings and action.dest != "command"
    )


def meaning(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default, "prog": "mailtrip"}


def helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each command does."""
    (subparsers,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return {action.dest: action.help or "" for action in subparsers._choices_actions}


def value(action: argparse.Action) -> str:
    """What follows a flag, or what a word is."""
    if action.nargs == 0:
        return ""
    if action.choices:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())
