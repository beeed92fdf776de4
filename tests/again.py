"""Runs pytest as `make test` does: in two halves at once; in CI, a few tests that failed run once
more, alone.

    python -m tests.again [--pure] [ARGUMENT OF PYTEST]...

One half is what needs the lab or containers, of which there is one store; the other is the rest.
Both mostly wait. What the second says is printed when the first is done. With `--pure` only those
run that need Python alone, at once.

The tests talk to real servers in real time, and a machine that stalls for seconds fails a test that
is right. Up to FEW failures get a second chance, each named at the end of the output, so that a
test which often needs it is seen and mended. More failures, or an error outside a test, are final
at once.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import IO

import pytest

FEW = 3
HALVES = {"shared": "lab or container", "rest": "not lab and not container"}
PURE = {"pure": "pure"}
_FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def main(arguments: list[str]) -> int:
    pure = arguments[:1] == ["--pure"]
    markers, arguments = (PURE, arguments[1:]) if pure else (HALVES, arguments)
    for half in markers:
        _last_failed(half).unlink(missing_ok=True)
    status = _status([_pytest(arguments, "pure")] if pure else [*_both(arguments)])
    if status != pytest.ExitCode.TESTS_FAILED or "CI" not in os.environ:
        return status
    failed = {half: _failed(half) for half in markers}
    few = sum(map(len, failed.values()))
    if few > FEW:
        return status
    print(f"\n=== {few} failed; once more, alone ===", flush=True)
    again = [
        *arguments,
        "--last-failed",
        "--last-failed-no-failures=none",
        *(["-n0"] if pure else []),
    ]
    status = _status([_pytest(again, half) for half in markers if failed[half]])
    for test in sorted(chain(*failed.values())) if status == pytest.ExitCode.OK else []:
        print(f"FAILED ONCE, PASSED ALONE: {test}", flush=True)
    return status


def _both(arguments: list[str]) -> tuple[int, int]:
    first, second = HALVES
    with ThreadPoolExecutor(1) as pool, tempfile.TemporaryFile("w+") as said:
        other = pool.submit(_pytest, arguments, second, said)
        statuses = _pytest(arguments, first), other.result()
        said.seek(0)
        print(said.read(), flush=True)
    return statuses


def _pytest(arguments: list[str], half: str, output: IO[str] | None = None) -> int:
    own = ["-m", (HALVES | PURE)[half], "-o", f"cache_dir={_cache(half)}"]
    if half == "rest" and not arguments:  # everything is asked for, and that is long
        own += ["-n", "2"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *own, *arguments], stdout=output, check=False
    ).returncode


def _status(statuses: list[int]) -> int:
    """Of several runs: the worst. One that has no tests is fine if another has some."""
    if all(status == pytest.ExitCode.NO_TESTS_COLLECTED for status in statuses):
        return pytest.ExitCode.NO_TESTS_COLLECTED
    return max((status for status in statuses if status not in _FINE), default=pytest.ExitCode.OK)


def _failed(half: str) -> list[str]:
    file = _last_failed(half)
    return list(json.loads(file.read_text())) if file.exists() else []


def _last_failed(half: str) -> Path:
    return Path(_cache(half), "v/cache/lastfailed")


def _cache(half: str) -> str:
    return f".pytest_cache/{half}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
