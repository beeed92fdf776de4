"""tests/debian.sh and tests/sudo.sh: what is missing is named, and sudo asks its password where
there is a terminal."""

import os
import pty
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
NOBODY = 65534
ASKING = """\
#!/bin/sh
printf "%s\\n" "$*" >>"$(dirname "$0")/asked"
case "$1" in
-n) [ -e "$(dirname "$0")/known" ] ;;
-v) touch "$(dirname "$0")/known" ;;
*) exit 0 ;;
esac
"""
"""A sudo that wants a password once."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """With the scripts and that sudo; anybody may read it, and write there."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for script in ("debian.sh", "sudo.sh"):
            shutil.copy(HERE / script, directory)
        (directory / "sudo").write_text(ASKING)
        for file in directory.iterdir():
            file.chmod(0o755)
        directory.chmod(0o777 | stat.S_ISVTX)
        yield directory


def as_somebody(directory: Path, *command: str, terminal: bool) -> tuple[int, str, list[str]]:
    """Without root's rights. The exit status, what was said, and how sudo was called."""
    ours, theirs = pty.openpty()
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={"PATH": os.environ["PATH"], "SUDO": str(directory / "sudo")},
            timeout=30,
            stdin=theirs if terminal else subprocess.DEVNULL,
            stderr=theirs if terminal else subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            **user,  # type: ignore[call-overload]
        )
    finally:
        os.close(theirs)
        said = os.read(ours, 65536).decode() if terminal and ours else ""
        os.close(ours)
    asked = directory / "asked"
    return (
        done.returncode,
        done.stdout + said,
        asked.read_text().splitlines() if asked.exists() else [],
    )


def test_without_a_terminal_nobody_is_asked_and_the_cure_is_told(directory: Path) -> None:
    status, said, asked = as_somebody(directory, "./debian.sh", "no-such-package", terminal=False)
    assert status == 1
    assert "As root:\n    apt-get install --no-install-recommends -y no-such-package" in said
    assert asked == ["-n true"]


def test_at_a_terminal_sudo_asks_once_and_says_why(directory: Path) -> None:
    status, said, asked = as_somebody(directory, "./sudo.sh", "to try it", terminal=True)
    assert (status, asked) == (0, ["-n true", "-v"])
    assert "sudo needs your password: to try it" in said
    status, _, asked = as_somebody(directory, "./sudo.sh", "to try it", terminal=False)
    assert (status, asked[2:]) == (0, ["-n true"])


def test_what_is_there_needs_nobody(directory: Path) -> None:
    assert as_somebody(directory, "./debian.sh", "base-files", terminal=False) == (0, "", [])
