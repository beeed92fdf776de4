"""The run directory: everything generated, and how the levers are set."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import facts
from tests.lab.shell import LabError, wait_until

LONGEST_PATH = 70  # the longest socket below it has 35 characters; a unix socket may have 107


def replace_file(target: Path, text: str, mode: int = 0o644) -> None:
    """Never leaves a half-written file to a running server."""
    if target.exists() and target.read_text() == text:
        return
    new = target.with_name(target.name + ".new")
    new.touch(mode=mode)
    new.chmod(mode)
    new.write_text(text)
    a_while_ago = time.time() - 10
    os.utime(new, (a_while_ago, a_while_ago))  # Postfix would wait until a new file is 2 s old
    new.rename(target)


class RunDirectory:
    """Holds etc, var, log, pid, keys, bin and state."""

    def __init__(self, directory: Path) -> None:
        self.dir = directory

    def path(self, *parts: str) -> Path:
        return self.dir.joinpath(*parts)

    def state(self, name: str, default: str) -> str:
        """What a lever was set to."""
        file = self.path("state", name)
        return file.read_text().strip() if file.exists() else default

    def set_state(self, name: str, value: str) -> None:
        self.path("state").mkdir(exist_ok=True)
        self.path("state", name).write_text(value + "\n")

    def forget_state(self, name: str) -> None:
        self.path("state", name).unlink(missing_ok=True)

    def make(self) -> None:
        """Makes the directory. Raises LabError where the servers could not work, or somebody else
        was first."""
        if len(str(self.dir)) > LONGEST_PATH:
            raise LabError(
                f"{self.dir} is too long: unix sockets allow {LONGEST_PATH} characters here"
            )
        self.dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        status = self.dir.stat()
        if status.st_uid != 0 or status.st_mode & 0o022:
            raise LabError(f"{self.dir} must belong to root and to nobody else; remove it")
        for directory in [self.dir, *self.dir.parents]:
            if not directory.stat().st_mode & 0o001:
                raise LabError(
                    f"{directory} must be open to all (chmod o+x): the servers do not run as root"
                )

    def wipe(self) -> None:
        """Forgets mail, queues, configuration and levers. The CA and the keys stay."""
        for name in ("etc", "var", "log", "bin", "state"):
            shutil.rmtree(self.path(name), ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time. Servers do not inherit the lock, so it ends with this process at
        the latest."""
        with self.path(".lock").open("w") as file:

            def taken() -> bool:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                return True

            if not wait_until(taken, 60):
                raise LabError(f"another command has been busy with {self.dir} for 60 s")
            yield


def fingerprint() -> str:
    """Changes with every source file of the lab, so that servers of an older lab are not mistaken
    for ours."""
    digest = hashlib.sha256(facts.NET.encode())
    files = [*facts.HOME.glob("*.py"), *(facts.HOME / "templates").rglob("*")]
    for file in sorted(file for file in files if file.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()
