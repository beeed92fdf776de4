"""Runs pytest as `make test` does: in three shares at once.

    python -m tests.shares [ARGUMENT OF PYTEST]...

What needs the lab of mail servers mostly waits: four processes, each with a lab of its own, take
one file of tests after the other. The second share is what needs containers, the third the rest, in
three processes. A share's output is printed as a whole when those before it are done.
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
    "lab": "lab and not container",
    "container": "container",
    "rest": "not lab and not container",
}
NETS = ("127.26", "127.27", "127.28")
"""The networks of the labs of `lab`, but for the first: that is the one that is used by hand."""
NET_OF_CONTAINERS = "127.29"

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
    if not arguments:  # everything is asked for, which is long
        own += _processes(share)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *own, *arguments],
        env=os.environ | (_lab(NET_OF_CONTAINERS) if share == "container" else {}),
        stdout=output,
        check=False,
    ).returncode


def _processes(share: str) -> list[str]:
    """Arguments for pytest-xdist."""
    if share == "rest":
        return ["-n", "3", "--dist", "worksteal"]
    if share == "lab":
        labs = [{}, *map(_lab, NETS)]
        each = ["//".join(["popen", *(f"env:{name}={lab[name]}" for name in lab)]) for lab in labs]
        in_their_order = ["--dist", "loadfile", "--no-loadscope-reorder"]
        return [*(f"--tx={one}" for one in each), *in_their_order]
    return []


def _lab(net: str) -> dict[str, str]:
    """The environment of a lab in that network."""
    return {"MAILTRIP_LAB_NET": net, "MAILTRIP_LAB_DIR": f"/var/tmp/mailtrip-lab-{net}"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
