"""What surrounds the tests works: Prometheus as a fixture, missing packages are named, CI skips
nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import systems
from tests.support.prometheus import Prometheus

TESTS = Path(__file__).resolve().parents[1]
CONFTEST = """
import pytest
from tests.conftest import LAB
class Lab:
    def empty(self): print("emptied")
    def put_levers_back(self): {levers}
@pytest.fixture(scope="session")
def lab(pytestconfig):
    pytestconfig.stash[LAB] = Lab()
    return pytestconfig.stash[LAB]
"""
"""Of tests that ask for a lab."""


async def test_prometheus_scrapes_what_it_is_told_to(
    prometheus: Callable[[str], Prometheus],
) -> None:
    self_scrape = {
        "job_name": "self",
        "scrape_interval": "1s",
        "static_configs": [{"targets": ["127.0.0.1:1"]}],
    }
    server = prometheus(json.dumps({"scrape_configs": [self_scrape]}))
    [sample] = await server.wait_for('up{job="self"}')
    assert (sample.labels["instance"], sample.value) == ("127.0.0.1:1", 0.0)
    assert server.query("up == 1") == []


def test_a_bad_prometheus_configuration_shows_its_log(
    prometheus: Callable[[str], Prometheus],
) -> None:
    with pytest.raises(RuntimeError, match="no_such_key"):
        prometheus("no_such_key: 1")


def test_promtool_is_there(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"], input="bad_total 1\n", capture_output=True, text=True
    )
    assert "no help text" in done.stderr + done.stdout


def test_a_missing_package_is_named_with_its_cure() -> None:
    command = [str(TESTS / "debian.sh"), "--check", "dpkg", "no-such-package"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends -y no-such-package\n" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "skip", ["def test_it(): pytest.skip('no')", "pytest.importorskip('absent')"]
)
@pytest.mark.parametrize("in_ci", [True, False])
def test_a_skipped_test_is_a_failure_in_ci(tmp_path: Path, skip: str, in_ci: bool) -> None:
    (tmp_path / "test_it.py").write_text(f"import pytest\n{skip}\n")
    said = _pytest(tmp_path, ci="true" if in_ci else None)
    assert ("in CI nothing may be skipped" in said) is in_ci
    assert ("1 skipped" not in said) is in_ci


@pytest.mark.slow
def test_the_lab_is_emptied_between_two_files(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.format(levers="pass"))
    for name in ("one", "two", "with_no_server", "without_another"):
        asks = "" if name == "with_no_server" else "lab"
        (tmp_path / f"test_{name}.py").write_text(
            f"def test_first({asks}): print('{name}')\ndef test_second({asks}): print('{name}')\n"
        )
    said = _pytest(tmp_path, "-s", "-p", "no:terminal").split()
    assert said == [
        *("one", "one", "emptied", "two", "two", "emptied"),
        *("with_no_server", "with_no_server", "without_another", "without_another"),
    ]


@pytest.mark.slow
def test_the_lab_is_emptied_even_if_the_last_test_of_a_file_breaks_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.format(levers="raise OSError"))
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(f"def test_it(lab): print('{name}')\n")
    assert _pytest(tmp_path, "-s", "-p", "no:terminal").split() == ["one", "emptied", "two"]


@pytest.mark.slow
def test_a_lab_that_does_not_come_up_is_the_only_error(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def lab(): pytest.fail('it needs root', pytrace=False)\n"
    )
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text("def test_it(lab): pass\n")
    said = _pytest(tmp_path)
    assert "it needs root" in said
    assert "2 errors" in said


def _pytest(directory: Path, *options: str, ci: str | None = None) -> str:
    """What pytest says of the tests in a directory that has no conftest.py of its own."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", f"--rootdir={directory}"]
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": ci} if ci else {})
    return subprocess.run(
        [*command, *options, str(directory)],
        cwd=TESTS.parent,
        env=environment,
        capture_output=True,
        text=True,
    ).stdout


def test_each_system_says_in_a_line_each_what_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [systems.main([], name) for name in ("bookworm", "trixie")] == [0, 0]
    assert capsys.readouterr().out == ""
    assert systems.main([], "noble") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.startswith("left out here: tests with") for line in said] == [True, True]
    assert systems.main([], "sid") == 1
    assert "Debian 12 or 13, or of Ubuntu 24.04; this is " in capsys.readouterr().err


def test_only_the_packages_of_what_is_left_out_are_not_needed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = systems.PACKAGES.read_text(encoding="utf-8").split()
    assert set(everything) < set(systems.packages("bookworm"))
    assert set(everything) < set(systems.packages("trixie"))
    assert set(everything) - set(systems.packages("noble")) == {"chromium", "chromium-driver"}
    assert systems.ONLY_HERE.keys() == systems.LEFT_OUT.keys()
    systems.main(["packages"], "noble")
    assert capsys.readouterr().out.split() == systems.packages("noble")


@pytest.mark.slow
@pytest.mark.parametrize(("system", "chosen"), [("bookworm", 3), ("noble", 1)])
def test_what_is_left_out_is_not_run(tmp_path: Path, system: str, chosen: int) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def browser(): pass\n"
        "def test_a_page(browser): pass\n"
        "@pytest.mark.newer\n"
        "def test_a_rule(): pass\n"
        "def test_the_rest(): pass\n"
    )
    done = _pytest(tmp_path, f"--system={system}")
    assert f"{chosen} passed" in done
    assert ("2 deselected" in done) is (chosen == 1)
