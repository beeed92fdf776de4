"""Several probes in one line, for the one who is on call."""

from typing import Any

import pytest

from exporter.commands.status.judgement import Judgement
from exporter.commands.status.summary import (
    LONGEST_ALONE,
    counted,
    in_one_line,
    worst_first,
    worst_of,
)
from exporter.core.severity import Severity
from tests.commands.status.probes import failed, failure, item, judged, trip


def probes(*fields: dict[str, Any]) -> list[Judgement]:
    return [judged(one) for one in fields]


GOOD, BAD, NEW = item("good"), failed("bad"), item("new", newest=None)
PLANNED = failed("planned", maintenance="move")


def test_the_worst_of_all_counts_and_comes_first() -> None:
    several = probes(GOOD, NEW, BAD)
    assert worst_of(several) is Severity.CRITICAL
    assert worst_of(several[:1]) is Severity.OK
    assert worst_of([]) is Severity.UNKNOWN
    first = worst_first(several)
    assert (first[0].probe.name, first[-1].probe.name) == ("bad", "good")
    assert [one.probe.name for one in worst_first(probes(item("b"), item("a")))] == ["b", "a"]


def test_one_probe_has_its_own_words() -> None:
    assert in_one_line(probes(GOOD)).startswith("good: the message took ")
    assert in_one_line(probes(BAD)).startswith("bad: failing")


@pytest.mark.parametrize(
    ("others", "rest"),
    [(1, " (1 other probe is OK)"), (2, " (2 other probes are OK)")],
)
def test_of_several_the_one_that_fails_is_named_with_its_words(others: int, rest: str) -> None:
    line = in_one_line(probes(*[item(f"good{n}") for n in range(others)], BAD))
    assert line.startswith("bad: failing")
    assert line.endswith(rest)


def test_several_that_fail_are_named_and_then_counted() -> None:
    line = in_one_line(probes(GOOD, *[failed(f"bad{n}") for n in range(5)]))
    assert line.startswith("5 critical, 1 OK: bad0: ")
    assert "bad2: " in line
    assert "bad3" not in line
    assert line.endswith(", and 2 more")
    assert "more" not in in_one_line(probes(*[failed(f"bad{n}") for n in range(3)]))


def test_planned_maintenance_is_no_alarm() -> None:
    assert in_one_line(probes(GOOD, item("other"))) == "all 2 probes are OK"
    assert in_one_line(probes(GOOD, PLANNED)) == (
        "all 2 probes are OK, 1 of them in planned maintenance"
    )


def test_probes_are_counted_by_severity() -> None:
    assert counted(probes(GOOD, BAD, GOOD)) == "1 critical, 2 OK"
    assert counted([]) == ""


def test_the_words_of_a_server_are_cut() -> None:
    loud = failed("bad") | {"newest": trip(failure=failure(detail="no " * 999), delay=None)}
    assert len(in_one_line(probes(loud))) == LONGEST_ALONE
