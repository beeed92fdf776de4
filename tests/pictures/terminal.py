"""Records a shell in a terminal: what is typed, and what is written, when."""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from docs.recording import Recording

PROMPT = "$ "
KEY, START, READ = (
    0.045,
    0.8,
    4.5,
)  # seconds: between two keys, before the first command, and to read a result
PATIENCE = 60.0  # seconds without output


def record(
    commands: Sequence[str], directory: Path, path: Iterable[Path], *, columns: int, rows: int
) -> Recording:
    """Types the commands in a shell in that directory, each when the one before has ended.

    `path` is where its programs are, before those of the system. Raises TimeoutError.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {
        "PATH": os.pathsep.join([*map(str, path), os.defpath]),
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PS1": PROMPT,
        "INPUTRC": str(_inputrc(directory)),
    }
    shell = subprocess.Popen(
        [shutil.which("bash") or "bash", "--norc", "--noprofile", "-i"],
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    tape = _Tape(ours)
    try:
        tape.until_prompt()
        tape.start()
        for number, command in enumerate(commands):
            tape.wait(READ if number else START)
            for key in command:
                os.write(ours, key.encode())
                tape.wait(KEY)
            os.write(ours, b"\n")
            tape.until_prompt()
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
    return Recording(columns, rows, tuple(tape.output))


def _inputrc(directory: Path) -> Path:
    file = directory / ".inputrc"
    file.write_text("set enable-bracketed-paste off\nset bell-style none\n", encoding="utf-8")
    return file


class _Tape:
    """What was written so far, in whole characters."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._started = time.monotonic()
        self._text = ""
        self._rest = b""
        self.output: list[tuple[float, str]] = []

    def start(self) -> None:
        """From here on time counts; what stands there already stands there at once."""
        self._started = time.monotonic()
        self.output = [(0.0, "".join(text for _, text in self.output))]

    def wait(self, seconds: float) -> None:
        """Reads what is written meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def until_prompt(self) -> None:
        before = self._text.count("\n")
        while not (self._text.endswith(PROMPT) and (self._text.count("\n") > before or not before)):
            if not self._read(PATIENCE):
                raise TimeoutError(f"no prompt after: {self._text[-2000:]}")

    def _read(self, seconds: float) -> bool:
        """Whether anything was written in time."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        some = self._rest + os.read(self._terminal, 1 << 16)
        text = some.decode(errors="ignore")
        self._rest = some[len(text.encode()) :]
        self._text += text
        if text:
            self.output.append((time.monotonic() - self._started, text))
        return True
