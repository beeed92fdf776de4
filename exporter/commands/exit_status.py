"""How a command ends: its exit status, and the one line that says why it cannot begin."""

OK, FAILED, USAGE = 0, 1, 2


class CannotStart(Exception):
    """Why a command cannot do its work: one clear line."""
