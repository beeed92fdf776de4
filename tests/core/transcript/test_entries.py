"""What a transcript consists of."""

from exporter.core.transcript.entries import (
    LONGEST_SUMMARY,
    LineEntry,
    PollsEntry,
    exchanges,
    summary,
)


def test_lines_are_of_one_kind_whatever_the_tag_and_the_time_that_it_took() -> None:
    kinds = {
        LineEntry(number, 0.0, text).kind
        for number, text in enumerate(
            ("S: ABCD12 OK NOOP completed (0.001 secs)", "S: ABCD9 OK NOOP completed (0.2 secs)")
        )
    }
    assert kinds == {"S: OK NOOP completed ( secs)"}


def test_looks_are_summed_up_by_their_commands() -> None:
    assert summary(["C: ABCD12 NOOP", "S: ABCD12 OK"]) == "C: NOOP"
    assert summary(["-- connected", "C: USER me", "S: +OK", "C: QUIT"]) == "C: USER me, QUIT"
    assert summary(["-- nothing new", "S: * BYE"]) == "nothing new"
    assert len(summary(["C: LIST"] * 1000)) == LONGEST_SUMMARY


def test_a_look_consists_of_commands_with_their_answers() -> None:
    texts = ["S: * 3 EXISTS", "C: ABCD1 NOOP", "S: ABCD1 OK", "C: ABCD2 STATUS", "S: * STATUS"]
    found = exchanges([LineEntry(number, 9.0 + number, text) for number, text in enumerate(texts)])
    assert [one.command for one in found] == ["", "C: NOOP", "C: STATUS"]
    assert [one.kinds for one in found] == [
        ("S: * 3 EXISTS",),
        ("C: NOOP", "S: OK"),
        ("C: STATUS", "S: * STATUS"),
    ]
    assert [one.began for one in found] == [9.0, 10.0, 12.0]
    (only,) = exchanges([LineEntry(0, 1.0, "C: DONE")])
    assert only.command == "C: DONE"


def test_looks_tell_how_many_there_were_since_a_moment() -> None:
    looks = PollsEntry(0, ("C: NOOP", "S: OK"), ("C: NOOP", "S: OK"), 1.0)
    looks.moments.extend([2.0, 3.0, 4.0])
    assert looks.lines_since(0.5) == [(2.0, "-- C: NOOP … ×3, last at 3.5")]
    assert looks.lines_since(1.5) == [
        (2.0, "C: NOOP"),
        (2.0, "S: OK"),
        (3.0, "-- C: NOOP … ×2, last at 2.5"),
    ], "the first of that time stands in full"
    assert looks.lines_since(2.5)[2:] == [(4.0, "-- C: NOOP … again")]
    assert looks.lines_since(3.5)[2:] == []
