"""The command line: reads it, runs one command, and ends the process with its exit status.

It is read before the program is imported, which takes a second: `--help`, `--version` and slips are answered at once.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from exporter.flags import DEFAULT_LISTEN, USAGE, read

__all__ = ["DEFAULT_LISTEN", "main"]

INTERRUPTED, UNHEARD, TERMINATED = 130, 141, 143  # what a shell says when SIGINT, SIGPIPE, SIGTERM ends a command


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, and ends the process with its exit status."""
    _take_any_encoding()
    options = read(sys.argv[1:] if arguments is None else arguments)
    from exporter.commands import COMMANDS
    from exporter.private_file import write_no_core_file

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which asyncio wants to find
    write_no_core_file()
    if options.command != "serve":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # a terminal that is closed ends the command
    sys.exit(_status(lambda: COMMANDS[options.command](options)))


def _status(command: Callable[[], int]) -> int:
    from exporter.commands import REFUSALS
    from exporter.config.mistakes import Mistakes

    try:
        status = command()
        sys.stdout.flush()
    except (*REFUSALS, Mistakes) as error:
        print(error if isinstance(error, Mistakes) else f"mailtrip: {error}", file=sys.stderr)
        status = USAGE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except asyncio.CancelledError:
        status = TERMINATED
    except BrokenPipeError:  # whoever reads has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes
        status = UNHEARD
    return status


def _take_any_encoding() -> None:
    """In a locale that cannot say ✓, a question mark will do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
