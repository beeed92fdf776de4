"""Records in DNS as facts: whatever a zone says, they can be compared."""

from exporter.core.dns_records import (
    MAX_TEXT,
    MOST_EXCHANGERS,
    MOST_TEXTS,
    exchanger_records,
    records,
)
from exporter.core.facts import RecordKind
from exporter.core.model import Exchanger


def test_the_order_and_the_case_of_a_name_make_no_difference() -> None:
    first = records(RecordKind.SPF, "Example.ORG.", ["v=spf1 b", "v=spf1 a", "v=spf1 a"])
    assert first == records(RecordKind.SPF, "example.org", ["v=spf1 a", "v=spf1 b"])
    assert first.texts == ("v=spf1 a", "v=spf1 b")
    assert records(RecordKind.SPF, "example.org", []).texts == ()


def test_exchangers_are_told_with_their_preference() -> None:
    found = exchanger_records(
        "example.org", [Exchanger("B.example", 20), Exchanger("a.example", 5)]
    )
    assert found.kind is RecordKind.MX
    assert found.texts == ("a.example (MX 5)", "b.example (MX 20)")


def test_their_number_is_bounded() -> None:
    many = [f"{number:04}" for number in range(1000)]
    assert len(records(RecordKind.SPF, "example.org", many).texts) == MOST_TEXTS
    exchangers = [Exchanger(f"mx{number:04}.example", 1) for number in range(1000)]
    assert len(exchanger_records("example.org", exchangers).texts) == MOST_EXCHANGERS


def test_texts_that_differ_stay_different_when_they_are_cut() -> None:
    long = "x" * MAX_TEXT
    (one,) = records(RecordKind.SPF, "example.org", [f"{long}1"]).texts
    (other,) = records(RecordKind.SPF, "example.org", [f"{long}2"]).texts
    assert one != other
    assert len(one) < MAX_TEXT + 40
    assert records(RecordKind.SPF, "example.org", [long]).texts == (long,)
    (clean,) = records(RecordKind.SPF, "example.org", ["a\x1b[31m\nb"]).texts
    assert "\x1b" not in clean
    assert "\n" not in clean
