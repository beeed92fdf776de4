"""A terminal of our own: what a person sees of a command, at any moment, and what was written to
draw it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pyte

ROOT = Path(__file__).resolve().parents[2]
LINES = 80
PATIENCE = 40.0  # seconds


class Screen:
    """A command that runs in a terminal of this width."""

    def __init__(
        self,
        *arguments: str,
        directory: Path,
        columns: int = 80,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
        self._screen = pyte.Screen(columns, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self.seen: list[str] = []  # every picture there was, oldest first
        command = [sys.executable, "-m", "exporter", *arguments]
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        env = {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(environment or {})}
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
        )
        os.close(theirs)

    @property
    def now(self) -> str:
        """What stands there."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def cursor_is_hidden(self) -> bool:
        hidden: bool = self._screen.cursor.hidden
        return hidden

    def wait(self, until: Callable[[str], bool]) -> str:
        """Watches until the picture is so, and returns it. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while not until(self.now):
            if time.monotonic() > end or not self._read():
                self._fail("it did not come to this")
        return self.now

    def close(self) -> int:
        """Watches until the command ends, and returns its exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(PATIENCE)

    @property
    def terminal(self) -> int:
        """The descriptor of our end."""
        return self._ours

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def press(self, key: bytes) -> None:
        """Types it when the command waits, as a person does. Python loses a Ctrl-C that comes after
        its last look at signals, and before it waits for a key: until the next key."""
        end = time.monotonic() + PATIENCE
        while not self._waits():
            if time.monotonic() > end:
                self._fail("it did not wait for a key")
            time.sleep(0.01)
        self.type(key)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def _waits(self) -> bool:
        """Whether its first thread sleeps, see proc_pid_stat(5)."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "S"

    def _fail(self, what: str) -> NoReturn:
        """Ends the command, so that it outlives no test, and raises TimeoutError."""
        self._process.kill()
        self._process.wait(PATIENCE)
        raise TimeoutError(f"{what}:\n{self.now}")

    def _read(self) -> bool:
        """Whether there may be more."""
        if not select.select([self._ours], [], [], PATIENCE)[0]:
            self._fail("nothing more was written")
        try:
            some = os.read(self._ours, 1 << 16)
        except OSError:  # so Linux says that nobody holds the other end
            some = b""
        self.written += some
        self._stream.feed(some)
        self.seen.append(self.now)
        return bool(some)
