"""What surrounds the tests works: Prometheus as a fixture, missing packages are named, CI skips
nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.prometheus import Prometheus

TESTS = Path(__file__).resolve().parents[1]


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
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        f"--rootdir={tmp_path}",
        str(tmp_path),
    ]
    if in_ci:
        environment["CI"] = "true"
    done = subprocess.run(
        command, cwd=TESTS.parent, env=environment, capture_output=True, text=True
    )
    assert ("in CI nothing may be skipped" in done.stdout) is in_ci
    assert ("1 skipped" not in done.stdout) is in_ci
