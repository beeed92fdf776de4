"""The exit statuses of commands, and the error of one that cannot start."""

OK, FAILED, USAGE, UNKNOWN = 0, 1, 2, 3


class CannotStart(Exception):
    """A command cannot start: one line with the cause."""
