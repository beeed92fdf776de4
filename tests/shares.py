"""Runs pytest as `make test` does: in four shares at once.

    python -m tests.shares [ARGUMENT OF PYTEST]...

Three shares need servers and mostly wait, each with a lab of its own: what needs the lab or
containers; the fault atlas and alerts; other whole trips. The fourth is the rest, in two processes.
A share's output is printed as a whole when those before it are done.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO

import pytest

SHARES = {
    "lab": "lab and not (atlas or trips) or container",
    "atlas": "lab and (atlas or alerting) and not container",
    "trips": "lab and trips and not (alerting or container)",
    "rest": "not lab and not container",
}
FOLDERS = {"atlas": ["tests/atlas", "tests/trips"], "trips": ["tests/trips"]}
"""Where all tests of a share are: the others are not even read, which takes many seconds."""
NETS = {"atlas": "127.26", "trips": "127.27"}
"""The networks of the shares' labs. `lab` has the one that is used by hand, too."""

_FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def main(arguments: list[str]) -> int:
    """The worst status of a share. One that has no tests is fine if another has some."""
    statuses = _at_once(arguments)
    if all(status == pytest.ExitCode.NO_TESTS_COLLECTED for status in statuses):
        return pytest.ExitCode.NO_TESTS_COLLECTED
    return max((status for status in statuses if status not in _FINE), default=pytest.ExitCode.OK)


def _at_once(arguments: list[str]) -> list[int]:
    first, *others = SHARES
    with ThreadPoolExecutor(len(others)) as pool, ExitStack() as stack:
        said = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in others]
        running = [
            pool.submit(_pytest, arguments, share, output)
            for share, output in zip(others, said, strict=True)
        ]
        statuses = [_pytest(arguments, first)]
        for other, output in zip(running, said, strict=True):
            statuses.append(other.result())
            output.seek(0)
            print(output.read(), flush=True)
    return statuses


def _pytest(arguments: list[str], share: str, output: IO[str] | None = None) -> int:
    own = ["-m", SHARES[share], "-o", f"cache_dir=.pytest_cache/{share}"]
    if not arguments:  # everything is asked for
        own += FOLDERS.get(share, [])
    if share == "rest" and not arguments:  # which is long
        own += ["-n", "2", "--dist", "worksteal"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *own, *arguments],
        env=os.environ | _lab(share),
        stdout=output,
        check=False,
    ).returncode


def _lab(share: str) -> dict[str, str]:
    """Where it runs, if not where the environment says."""
    if net := NETS.get(share):
        return {"MAILTRIP_LAB_NET": net, "MAILTRIP_LAB_DIR": f"/var/tmp/mailtrip-lab-{net}"}
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
