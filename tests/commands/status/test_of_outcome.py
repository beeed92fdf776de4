"""The judgement on a probe after one trip: `mailtrip probe --format nagios`."""

from dataclasses import replace
from pathlib import Path

import pytest

from exporter.commands.status.judgement import Thresholds
from exporter.commands.status.of_outcome import judgement_of
from exporter.core.availability.window import Once, Window
from exporter.core.facts import Arrival
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.commands.test_cli import CONFIGURATION, mailtrip
from tests.support.ports import free_port

KEY = ProbeKey("submission", "a@example.org")
GOOD = Outcome(
    "0123456789abcd", KEY, 1000.0, 3.0, facts=(Arrival("INBOX", "INBOX", 2.5, 2.6, False),)
)
FAILED = replace(
    GOOD,
    facts=(),
    failure=Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "no such user"),
)
THRESHOLDS = Thresholds(2.0, None)


def said(outcome: Outcome, name: str = "gmail", *windows: Window) -> tuple[str, str, str]:
    found = judgement_of(outcome, name, windows, THRESHOLDS)
    return found.probe.title, found.severity, found.words


def test_one_trip_has_the_words_of_a_running_mailtrip() -> None:
    late = "the message took 2.50 s, more than 2.00 s, and came now"
    assert said(GOOD) == ("gmail", "warning", late)
    assert said(FAILED, "") == (
        "submission → a@example.org",
        "critical",
        "failing: send/rcpt: rejected 550: no such user",
    )


@pytest.mark.parametrize(("pattern", "name"), [("gm*", "gmail"), ("a@*", "")])
def test_planned_maintenance_is_ok(pattern: str, name: str) -> None:
    window = Window("patch", (pattern,), Once(0.0, 2000.0))
    _, severity, words = said(FAILED, name, window)
    assert severity == "ok"
    assert words.startswith("planned maintenance (patch) until 1970-01-01 00:33:20 UTC, failing: ")
    over = Window("patch", (pattern,), Once(0.0, 1003.0))
    assert said(FAILED, name, over)[1] == "critical"


@pytest.mark.slow
def test_a_plugin_makes_one_trip(tmp_path: Path) -> None:
    file = tmp_path / "mailtrip.yml"
    file.write_text(CONFIGURATION % {"receiver": free_port()})
    words = "probe", "--format", "nagios", "--config.file", str(file)
    done = mailtrip(*words, "me", directory=tmp_path, MAILTRIP_TEST_PASSWORD="x")
    assert (done.returncode, done.stderr) == (0, "")
    first, trip = done.stdout.splitlines()
    assert first.startswith("MAILTRIP OK: me: the message took ")
    assert first.partition(" | ")[2].startswith("delay=")
    assert first.endswith("s;300;;0 age=0s;;;0")
    assert trip.startswith("trip ")

    done = mailtrip(*words, "nobody", directory=tmp_path, MAILTRIP_TEST_PASSWORD="x")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("MAILTRIP CRITICAL: nobody: failing: send/connect: connect: ")
    assert " | age=0s;;;0\n" in done.stdout

    done = mailtrip(
        "probe", "--config.file", str(file), "me", "--format", "json", directory=tmp_path
    )
    assert done.stdout.startswith("{\n")
