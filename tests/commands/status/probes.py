"""What the API says of probes, for tests."""

from typing import Any

from exporter.commands.status.judgement import Judgement, Thresholds, judge
from exporter.commands.status.probe_status import ProbeStatus

NOW = 1_796_000_000.0
THRESHOLDS = Thresholds(300.0, None)


def failure(phase: str = "deliver", reason: str = "overdue", **more: str) -> dict[str, Any]:
    detail = {"step": None, "code": "", "detail": "not back within 10 min"}
    return {"phase": phase, "reason": reason, **detail, **more}


def trip(ended: float = 120.0, **fields: Any) -> dict[str, Any]:
    """It ended so many seconds ago."""
    return {
        "trip": "0123456789abcd",
        "started_at": NOW - ended - 3,
        "duration": 3.0,
        "failure": None,
        "delay": 2.5,
        **fields,
    }


def item(name: str | None = "gmail", **fields: Any) -> dict[str, Any]:
    """An item of /api/v1/probes."""
    return {
        "name": name,
        "module": "submission",
        "target": "a@example.org",
        "since": None,
        "failures": 0,
        "maintenance": None,
        "maintenance_ends_at": None,
        "newest": trip(),
        "in_progress": [],
        "next_trip_at": NOW + 180,
        "interval": 300.0,
        "interval_after_failure": 60.0,
        "timeout": 600.0,
        "availability": {"day": 0.9995, "month": 1.0},
        **fields,
    }


def failed(name: str = "relay", **fields: Any) -> dict[str, Any]:
    return item(name, newest=trip(failure=failure(), delay=None), **fields)


def judged(fields: dict[str, Any], thresholds: Thresholds = THRESHOLDS) -> Judgement:
    return judge(ProbeStatus.read(fields), NOW, thresholds)
