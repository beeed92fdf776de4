"""What a failure means for the one who is on call."""

import pytest

from exporter.core.phases import Phase
from exporter.core.reasons import Reason, severity_of
from exporter.core.severity import Severity


@pytest.mark.parametrize(
    ("phase", "reason", "severity"),
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
def test_a_failure_has_a_severity(phase: str, reason: str, severity: str) -> None:
    assert severity_of(phase, reason) == severity


def test_each_failure_that_can_happen_is_wrong() -> None:
    for reason in Reason:
        for phase in reason.phases or [Phase.VERIFY]:
            assert severity_of(phase, reason) is not Severity.OK


def test_the_exit_statuses_are_those_of_a_plugin() -> None:
    worst_first = sorted(Severity, key=lambda one: -one.rank)
    assert [one.exit_status for one in worst_first] == [2, 1, 3, 0]
