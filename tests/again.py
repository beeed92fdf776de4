"""Runs pytest as `make test` does; in CI, a few tests that failed run once more, alone.

The tests talk to real servers in real time, and a machine that stalls for seconds fails a test that is right. Up to
FEW failures get a second chance, each named at the end of the output, so that a test which often needs it is seen and
mended. More failures, or an error outside a test, are final at once.
"""

import json
import os
import sys
from pathlib import Path

import pytest

FEW = 3
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def main(arguments: list[str]) -> int:
    LAST_FAILED.unlink(missing_ok=True)
    status = pytest_in_a_process(arguments)
    if status != pytest.ExitCode.TESTS_FAILED or "CI" not in os.environ:
        return status
    failed = sorted(json.loads(LAST_FAILED.read_text()))
    if len(failed) > FEW:
        return status
    print(f"\n=== {len(failed)} failed; once more, alone ===", flush=True)
    status = pytest_in_a_process([*arguments, "--last-failed", "--last-failed-no-failures=none"])
    for test in failed if status == pytest.ExitCode.OK else []:
        print(f"FAILED ONCE, PASSED ALONE: {test}", flush=True)
    return status


def pytest_in_a_process(arguments: list[str]) -> int:
    return os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-m", "pytest", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
