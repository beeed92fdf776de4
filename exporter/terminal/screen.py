"""The output of a command: standard output or standard error, as a terminal or not."""

import os
import sys

from rich.console import Console


class Screen(Console):
    """A console whose reader may close the pipe, as `head` does when it has read enough."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(stderr=stderr, quiet=quiet, highlight=False)

    def on_broken_pipe(self) -> None:
        """Replaces rich's exit status 1, which means here that a trip has failed.

        If progress has no reader, the trip continues. If a result has no reader, it raises
        BrokenPipeError.
        """
        self.quiet = True
        if not self.stderr:
            raise BrokenPipeError
        # Else Python complains when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
