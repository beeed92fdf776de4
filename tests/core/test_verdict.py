"""What a failure means for the one who is on call."""

import pytest

from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.verdict import Verdict, verdict_of


@pytest.mark.parametrize(
    ("phase", "reason", "verdict"),
    [
        ("deliver", "overdue", "critical"),
        ("deliver", "bounced", "critical"),
        ("deliver", "missing", "critical"),
        ("send", "rejected", "critical"),
        ("open", "auth", "critical"),
        ("send", "accepted", "critical"),
        ("verify", "accepted", "critical"),
        ("verify", "listed", "critical"),
        ("verify", "junk", "warning"),
        ("verify", "altered", "warning"),
        ("verify", "unauthenticated", "warning"),
        ("delete", "rejected", "warning"),
        ("verify", "dns", "unknown"),
        ("verify", "timeout", "unknown"),
        ("verify", "unusable", "unknown"),
        ("deliver", "starved", "unknown"),
        ("send", "internal", "unknown"),
        ("send", "of_a_later_version", "critical"),
        ("verify", "of_a_later_version", "warning"),
    ],
)
def test_a_failure_has_a_verdict(phase: str, reason: str, verdict: str) -> None:
    assert verdict_of(phase, reason) == verdict


def test_each_failure_that_can_happen_is_wrong() -> None:
    for reason in Reason:
        for phase in reason.phases or [Phase.VERIFY]:
            assert verdict_of(phase, reason) is not Verdict.OK


def test_the_exit_statuses_are_those_of_a_plugin() -> None:
    worst_first = sorted(Verdict, key=lambda one: -one.rank)
    assert [one.exit_status for one in worst_first] == [2, 1, 3, 0]
