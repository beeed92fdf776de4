"""The socket at which `serve` answers other commands of its own user, and of root."""

import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from exporter.core.state_directory import default_state_directory

SYSTEM = (Path("/run/mailtrip"), Path("/var/lib/mailtrip"))
"""The directories of the systemd unit. Only root can make others in their place."""


def runtime_directory() -> Path | None:
    """The one that systemd has made for us (RuntimeDirectory=)."""
    named = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(named) if named else None


def socket_in(directory: Path) -> str:
    return str(directory / "api.sock")


def running_here(named: str = "", system: Sequence[Path] = SYSTEM, user: int | None = None) -> str:
    """The path of the socket where a mailtrip answers; empty if there is none. The first choice is
    the one whose state is in the directory that a configuration has `named`, or else in that by
    default. `user` is the one who asks, if not that of this process."""
    user = os.geteuid() if user is None else user
    state = Path(named or default_state_directory())
    trusted = named or "STATE_DIRECTORY" in os.environ or _is_of(state, user)
    own = [state] if trusted else []
    paths = (socket_in(directory) for directory in (*own, *system))
    return next(filter(_answers, paths), "")


def _is_of(directory: Path, user: int) -> bool:
    """Whether this user or root has made the directory. Of another one, it may be a trap: it is
    below the working directory."""
    try:
        return directory.stat().st_uid in (0, user)
    except OSError:
        return False


def _answers(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(1.0)
            caller.connect(path)
    except OSError:
        return False
    return True
