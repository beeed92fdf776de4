"""Where a value is written that a short notation stands for."""

from exporter.config.expansion import Expansion

WRITTEN = Expansion(
    {},
    origins={("modules", "a-b"): ("matrix", "m"), ("probes", 3, "target"): ("matrix", "m", "to")},
    fillings={("modules", "a-b"): {"{from}": "a@example.org", "{to}": "b@example.org"}},
    unfilled={("probes", 3): frozenset({"{to}"}), ("modules", "x", "from"): frozenset({"{from}"})},
)


def test_a_part_that_was_made_is_written_where_it_comes_from() -> None:
    assert WRITTEN.written_at(("modules", "a-b", "roundtrip", "from")) == (
        *("matrix", "m"),
        *("roundtrip", "from"),
    )
    assert WRITTEN.written_at(("modules", "a-b")) == ("matrix", "m")
    assert WRITTEN.written_at(("probes", 3, "target")) == ("matrix", "m", "to")


def test_other_parts_are_written_where_they_are() -> None:
    for path in ((), ("modules",), ("modules", "b"), ("probes", 3), ("probes", 3, "name")):
        assert WRITTEN.written_at(path) == path


def test_what_was_filled_in_is_said_of_the_text_that_has_the_placeholder() -> None:
    path = ("modules", "a-b", "roundtrip", "from")
    assert WRITTEN.remark(path, "probe+{from}") == "; {from} is a@example.org"
    assert WRITTEN.remark(path, "{from}-{to}") == "; {from} is a@example.org, {to} is b@example.org"
    assert WRITTEN.remark(path, "plain") == ""
    assert WRITTEN.remark(path, {"{from}": 1}) == ""
    assert WRITTEN.remark(("modules", "other"), "{from}") == ""


def test_a_placeholder_that_another_error_left_is_no_error_of_its_own() -> None:
    assert WRITTEN.is_unfilled(("probes", 3, "target"), "a-{to}")
    assert WRITTEN.is_unfilled(("modules", "x", "from"), "{from}")
    assert not WRITTEN.is_unfilled(("probes", 3, "target"), "a-{from}")
    assert not WRITTEN.is_unfilled(("probes", 4, "target"), "{to}")
    assert not WRITTEN.is_unfilled((), "{to}")
