"""`mailtrip report`, as a person and a program read it."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from exporter.core.model import ProbeKey
from exporter.state.store import Store
from tests.state.test_account import PROBE, moment, outage, trip

pytestmark = pytest.mark.slow  # it starts processes

GONE = ProbeKey("submission", "=1+2@example.org")
CONFIGURATION = """
state: {{dir: {directory}}}
mailboxes: {{m: {{maildir: {{path: /var/mail/m}}}}}}
modules:
  submission: {{roundtrip: {{from: a@example.org, send: {{mx: {{}}}}, mailbox: m}}}}
probes:
  - {{name: gmail, module: submission, target: a@example.org}}
"""


@pytest.fixture
async def configuration(tmp_path: Path) -> Path:
    """Of a mailtrip with two weeks of October 2026 in its state."""
    store = Store.open(tmp_path / "state")
    for day in range(1, 15):
        store.finished(trip(moment(day)))
    store.finished(trip(moment(15), good=False))
    store.finished(trip(moment(1, month=11)))
    store.finished(replace(trip(moment(15, 1)), probe=replace(PROBE, target="<b>@example.org")))
    store.keep_outage(outage(moment(15), moment(15, 0, 5)))
    store.finished(replace(trip(moment(16), good=False), probe=GONE))
    store.keep_outage(replace(outage(moment(16), None), probe=GONE))
    await store.close()
    file = tmp_path / "mailtrip.yml"
    file.write_text(CONFIGURATION.format(directory=tmp_path / "state"))
    return file


def report(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporter", "report", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_table_has_a_line_for_each_probe_and_each_outage(configuration: Path) -> None:
    said = report("--config.file", configuration, "--month", "2026-10")
    assert (said.returncode, said.stderr) == (0, "")
    title, head, unnamed, _, gmail, ended, gone = said.stdout.splitlines()
    assert title == "2026-10 (UTC)"
    assert head.split()[:3] == ["probe", "availability", "outages"]
    assert unnamed.startswith("submission → <b>@example.org")
    assert gmail.split()[:5] == ["gmail", "99.988", "%", "1", "5"]
    assert ended == "2026-10-15 00:00:00 UTC       5 min  gmail: deliver/overdue"
    assert gone.endswith("  not watched any more  submission → =1+2@example.org: deliver/overdue")


def test_json_and_csv_say_the_same(configuration: Path) -> None:
    said = report("--config.file", configuration, "--month", "2026-10", "--format", "json")
    document = json.loads(said.stdout)
    assert document["month"] == "2026-10"
    _, gone, gmail = document["probes"]
    assert (gmail["probe"], gmail["trips"], gmail["failures"]) == ("gmail", 15, 1)
    assert gmail["down_seconds"] == 300
    assert gmail["outages"][0]["reasons"] == ["deliver/overdue"]
    said = report("--config.file", configuration, "--month", "2026-10", "--format", "csv")
    _, formula, row = csv.DictReader(StringIO(said.stdout))
    assert (gone["target"], formula["target"]) == (GONE.target, f"'{GONE.target}")
    assert row["outages"] == "1"
    assert float(row["availability"]) == gmail["availability"]
    assert float(row["delay_p50_seconds"]) == gmail["delay_seconds"]["p50"]


def test_html_is_one_document_in_which_everything_is_escaped(configuration: Path) -> None:
    said = report("--config.file", configuration, "--month", "2026-10", "--format", "html")
    assert said.stdout.startswith("<!DOCTYPE html>")
    assert "&lt;b&gt;@example.org" in said.stdout
    assert "99.988 %" in said.stdout
    assert ">not watched any more<" in said.stdout
    assert 'href="' not in said.stdout  # it needs nothing beside it


def test_without_a_configuration_probes_have_no_names(configuration: Path) -> None:
    said = report("--state.dir", configuration.parent / "state", "--month", "2026-10")
    assert "submission → a@example.org" in said.stdout
    assert " lasts  submission → =1+2@example.org: deliver/overdue" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--month", "october"], "mailtrip: 'october' is no month: write for example 2026-10\n"),
        (["--month", "2099-01"], "mailtrip: 2099-01 has not begun\n"),
        (
            ["--state.dir", "/nowhere"],
            "does not exist: give the directory of mailtrip serve, with --st",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_cure(
    configuration: Path, arguments: list[str], problem: str
) -> None:
    said = report("--config.file", configuration, *arguments)
    assert (said.returncode, said.stdout) == (2, "")
    assert problem in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_a_month_without_trips_says_so(configuration: Path) -> None:
    said = report("--config.file", configuration, "--month", "2026-09")
    assert "No probe made a trip in this month." in said.stdout
    now = report("--config.file", configuration)
    assert now.stdout.startswith(f"{datetime.now(UTC):%Y-%m}")
