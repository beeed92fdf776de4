"""Runs pytest as `make test` does: in four shares at once; in CI, a few tests that failed run once
more, alone.

    python -m tests.again [--pure] [ARGUMENT OF PYTEST]...

Three shares need servers and mostly wait, each with a lab of its own: what needs the lab or
containers; the fault atlas and alerts; other whole trips. The fourth is the rest, in two processes. A share's output is printed as a whole when those before it are done. With
`--pure` only those tests run that need Python alone, at once.

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
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO

import pytest

FEW = 3
SHARES = {
    "lab": "lab and not (atlas or trips) or container",
    "atlas": "lab and (atlas or alerting) and not container",
    "trips": "lab and trips and not (alerting or container)",
    "rest": "not lab and not container",
}
PURE = {"pure": "pure"}
NETS = {"atlas": "127.26", "trips": "127.27"}
"""The networks of the shares' labs. `lab` has the one that is used by hand, too."""

_FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def main(arguments: list[str]) -> int:
    pure = arguments[:1] == ["--pure"]
    shares, arguments = (PURE, arguments[1:]) if pure else (SHARES, arguments)
    for share in shares:
        _last_failed(share).unlink(missing_ok=True)
    status = _status([_pytest(arguments, "pure")] if pure else _at_once(arguments))
    if status != pytest.ExitCode.TESTS_FAILED or "CI" not in os.environ:
        return status
    failed = {share: _failed(share) for share in shares}
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
    status = _status([_pytest(again, share) for share in shares if failed[share]])
    for test in sorted(chain(*failed.values())) if status == pytest.ExitCode.OK else []:
        print(f"FAILED ONCE, PASSED ALONE: {test}", flush=True)
    return status


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
    own = ["-m", (SHARES | PURE)[share], "-o", f"cache_dir={_cache(share)}"]
    if share == "rest" and not arguments:  # everything is asked for, and that is long
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


def _status(statuses: list[int]) -> int:
    """Of several runs: the worst. One that has no tests is fine if another has some."""
    if all(status == pytest.ExitCode.NO_TESTS_COLLECTED for status in statuses):
        return pytest.ExitCode.NO_TESTS_COLLECTED
    return max((status for status in statuses if status not in _FINE), default=pytest.ExitCode.OK)


def _failed(share: str) -> list[str]:
    file = _last_failed(share)
    return list(json.loads(file.read_text())) if file.exists() else []


def _last_failed(share: str) -> Path:
    return Path(_cache(share), "v/cache/lastfailed")


def _cache(share: str) -> str:
    return f".pytest_cache/{share}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
