"""Lines about a trip say so when a restart may write them again."""

import logging
from dataclasses import replace

import pytest

from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.probing.log_lines import log_outcome

GOOD = Outcome("abc", ProbeKey("submission", "a@example.org"), 0.0, 1.5)
FAILED = Outcome(
    *("abc", ProbeKey("submission", "a@example.org"), 0.0, 1.5),
    failure=Failure(Phase.SEND, None, Reason.CONNECT, "", "connection refused"),
)


@pytest.mark.parametrize(
    ("outcome", "why", "level", "line"),
    [
        (GOOD, "", "INFO", "succeeded after 1.50 s"),
        (GOOD, "disk full", "INFO", "succeeded after 1.50 s (not yet in the state: disk full)"),
        (FAILED, "", "WARNING", "failed: send: connect: connection refused"),
    ],
)
def test_a_line_says_how_a_trip_has_ended(
    outcome: Outcome, why: str, level: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log_outcome(outcome, why)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        (level, f"trip abc of submission → a@example.org {line}")
    ]


def test_a_line_names_the_trace_of_its_trip(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_outcome(replace(GOOD, trace_id="ab" * 16), "")
    log_outcome(GOOD, "")
    fields = [vars(one)["about"].get("trace_id") for one in caplog.records]
    assert fields == ["ab" * 16, None]
