"""Where the state is if the configuration does not say."""

import os


def default_state_directory() -> str:
    """The first directory of systemd's StateDirectory=, which may name several, separated by
    colons."""
    return os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or "./mailtrip-state"
