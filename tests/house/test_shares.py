"""`make test` runs every test in one share, and a failure in any of them is its failure."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import shares

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EACH = """
import pytest
@pytest.mark.lab
def test_lab(): assert {lab}
@pytest.mark.container
def test_container(): assert {container}
@pytest.mark.lab
@pytest.mark.container
def test_both(): assert {both}
def test_other(): assert {other}
"""
NAMES = ("lab", "container", "both", "other")


def run(directory: Path, tests: str) -> tuple[int, str]:
    (directory / "test_it.py").write_text(tests)
    done = subprocess.run(
        [sys.executable, "-m", "tests.shares", "-q", "--rootdir", str(directory), "test_it.py"],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
        },
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


def test_every_test_runs_once(tmp_path: Path) -> None:
    status, output = run(tmp_path, EACH.format(**dict.fromkeys(NAMES, True)))
    assert status == 0, output
    assert output.count("1 passed, 3 deselected") == 2
    assert output.count("2 passed, 2 deselected") == 1


@pytest.mark.parametrize("failing", NAMES)
def test_a_failure_in_any_share_is_a_failure_the_first_time(tmp_path: Path, failing: str) -> None:
    status, output = run(tmp_path, EACH.format(**dict.fromkeys(NAMES, True) | {failing: False}))
    assert status == 1, output
    assert f"FAILED test_it.py::test_{failing}" in output
    assert output.count("1 failed") == 1


def test_each_process_for_the_lab_has_a_lab_of_its_own() -> None:
    said = " ".join(shares._processes("lab"))
    places = re.findall(r"LAB_NET=([\d.]+)//\S+LAB_DIR=(\S+)", said)
    assert said.count("--tx=") == len(places) + 1
    for each in zip(*places, (shares.NET_OF_CONTAINERS, "another"), strict=True):
        assert len({*each}) == len(places) + 1


def test_an_error_outside_a_test_is_a_failure(tmp_path: Path) -> None:
    status, output = run(tmp_path, "import nothing_like_that")
    assert status != 0, output


def test_a_share_without_tests_is_fine_if_another_has_some(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_one(): pass")[0] == 0
    assert run(tmp_path, "")[0] == pytest.ExitCode.NO_TESTS_COLLECTED
