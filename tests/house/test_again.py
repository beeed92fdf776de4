"""What `make test` does with a test that fails: see tests/again.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def run(directory: Path, tests: str, **environment: str) -> tuple[int, str]:
    (directory / "test_it.py").write_text(tests)
    own = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.again", "-q", "--rootdir", str(directory), "test_it.py"],
        cwd=directory,
        env={**own, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


ONCE = """
from pathlib import Path
def test_one():
    if not Path("seen").exists():
        Path("seen").touch()
        assert False
def test_other():
    with Path("count").open("a") as count:
        count.write(".")
"""


def test_in_ci_a_test_that_failed_runs_once_more_alone_and_is_named(tmp_path: Path) -> None:
    status, output = run(tmp_path, ONCE, CI="true")
    assert status == 0, output
    assert output.endswith("FAILED ONCE, PASSED ALONE: test_it.py::test_one\n")
    assert (tmp_path / "count").read_text() == "."


BOTH = """
from pathlib import Path
import pytest
def once(name):
    if not Path(name).exists():
        Path(name).touch()
        assert False
@pytest.mark.lab
def test_shared(): once("shared")
@pytest.mark.lab
@pytest.mark.atlas
def test_fault(): once("fault")
@pytest.mark.lab
@pytest.mark.trips
def test_trip(): once("trip")
def test_other(): once("other")
"""


def test_all_shares_run_and_each_may_have_its_second_chance(tmp_path: Path) -> None:
    status, output = run(tmp_path, BOTH)
    assert status == 1, output
    assert all(
        f"FAILED test_it.py::{name}" in output
        for name in ("test_shared", "test_fault", "test_trip", "test_other")
    )
    for names in (("fault", "other", "shared"), ("trip",)):  # at most three may have one
        for name in names:
            (tmp_path / name).unlink()
        status, output = run(tmp_path, BOTH, CI="true")
        assert status == 0, output
        once = [f"FAILED ONCE, PASSED ALONE: test_it.py::test_{name}\n" for name in names]
        assert output.endswith("".join(once))
        assert output.count("FAILED ONCE") == len(names)


def test_elsewhere_a_failure_is_a_failure(tmp_path: Path) -> None:
    status, output = run(tmp_path, ONCE)
    assert status == 1, output


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        ("def test_one(): assert False", "it fails again"),
        (
            "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_one(n): assert False",
            "these are many",
        ),
        ("import nothing_like_that", "no test ran"),
    ],
)
def test_in_ci_it_stays_a_failure_when(tmp_path: Path, tests: str, why: str) -> None:
    status, output = run(tmp_path, tests, CI="true")
    assert status != 0, output
    assert "PASSED ALONE" not in output
    assert ("once more, alone" in output) == (why == "it fails again")
