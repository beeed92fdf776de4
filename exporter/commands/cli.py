"""The entry point: parses the command line, runs one command, and exits with its status.

It parses before it imports the program, which takes most of a second: `--help`, `--version` and
usage errors are immediate.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC
from importlib import import_module
from io import TextIOWrapper
from typing import TextIO

from exporter.commands.exit_status import UNKNOWN, USAGE
from exporter.commands.flags import DEFAULT_LISTEN, is_plugin, read
from exporter.commands.libraries import import_less

__all__ = ["DEFAULT_LISTEN", "main"]

COMMANDS = {
    name: f"exporter.commands.{name.replace('-', '_')}"
    for name in (
        "init",
        "serve",
        "check",
        "probe",
        "lookup",
        "status",
        "maintenance",
        "report",
        "dkim-key",
        "schema",
    )
}
"""The module of each command, with its `run` and its REFUSALS. Imported when it is to run."""

# What a shell says when SIGINT, SIGPIPE, SIGTERM ends a command.
INTERRUPTED, UNHEARD, TERMINATED = 130, 141, 143
_UNWRITABLE = {EBADF, EDQUOT, EFBIG, EIO, ENOSPC}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, and ends the process with its exit status."""
    _open_what_is_closed()
    _take_any_encoding()
    if not os.environ.get("COLUMNS", "80").strip("0"):
        del os.environ["COLUMNS"]  # rich would write nothing at all into no columns
    if arguments is None:
        arguments = sys.argv[1:]
    try:
        options = read(arguments)
    except OSError as error:  # of its help
        sys.exit(_unwritten(error))
    except SystemExit:  # newer Pythons keep to themselves that the help cannot be written
        try:
            sys.stdout.flush()
        except OSError as error:
            sys.exit(_unwritten(error))
        raise
    from exporter.core.private_file import write_no_core_file

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which asyncio wants to find
    write_no_core_file()
    if options.command != "serve":
        # A terminal that is closed ends the command.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    sys.exit(_plugin_status(options) if is_plugin(arguments) else _status(options, _say))


def _plugin_status(options: argparse.Namespace) -> int:
    """The exit status of a plugin, also of an error: the usual ones would be warnings, or
    critical."""
    said = list[str]()
    try:
        status = _status(options, said.append)
    except Exception as error:
        traceback.print_exc()
        said, status = [f"a bug in mailtrip: {error!r}"], USAGE
    if not said:
        return status
    with suppress(OSError):
        text = "\n".join(said).removeprefix("mailtrip: ").replace("|", "/")
        print(f"MAILTRIP UNKNOWN: {text}", flush=True)
    return UNKNOWN


def _status(options: argparse.Namespace, say: Callable[[str], object]) -> int:
    if options.command == "serve":
        import_less()
    try:
        command = import_module(COMMANDS[options.command])
    except KeyboardInterrupt:
        return INTERRUPTED
    try:
        status = int(command.run(options))
        sys.stdout.flush()
    except command.REFUSALS as error:
        say(f"mailtrip: {error}")
        status = USAGE
    except _mistakes() as error:
        say(str(error))
        status = USAGE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except _cancelled_error():
        status = TERMINATED
    except BrokenPipeError:  # the reader has read enough, such as `head`
        _drop(sys.stdout)
        status = UNHEARD
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        status = _unwritten(error, say)
    return status


def _mistakes() -> type[Exception]:
    """The class of mistakes in a configuration. Most commands end without them, and its import
    takes longer than some commands."""
    from exporter.config.mistakes import Mistakes

    return Mistakes


def _cancelled_error() -> type[BaseException]:
    """The same of a task that was cancelled."""
    from asyncio import CancelledError

    return CancelledError


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def _unwritten(error: OSError, say: Callable[[str], object] = _say) -> int:
    """The status if the output cannot be written, for example to a full disk."""
    _drop(sys.stdout)
    say(f"mailtrip: cannot write the output: {error.strerror}")
    return USAGE


def _drop(stream: TextIO) -> None:
    """Discards buffered output, since Python would report an error when it flushes it."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_what_is_closed() -> None:
    """Opens standard streams that the shell has closed (`>&-`): the next opened file would get
    their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            mode = "w" if number else "r"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _take_any_encoding() -> None:
    """Replaces characters that the locale cannot encode, such as ✓, by a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
