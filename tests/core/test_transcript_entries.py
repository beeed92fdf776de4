"""What a transcript consists of."""

from exporter.core.transcript_entries import LineEntry, PollsEntry, summary


def test_lines_are_of_one_kind_whatever_the_tag_and_the_time_that_it_took() -> None:
    kinds = {
        LineEntry(number, 0.0, text).kind
        for number, text in enumerate(
            ("S: ABCD12 OK NOOP completed (0.001 secs)", "S: ABCD9 OK NOOP completed (0.2 secs)")
        )
    }
    assert kinds == {"S: OK NOOP completed ( secs)"}


def test_looks_are_summed_up_without_the_tag() -> None:
    assert summary("C: ABCD12 NOOP") == "C: NOOP"
    assert summary("-- nothing new") == "nothing new"


def test_looks_tell_how_many_there_were_since_a_moment() -> None:
    looks = PollsEntry(0, ("C: NOOP",), "C: NOOP")
    looks.moments.extend([1.0, 2.0, 3.0])
    assert looks.line_since(1.5) == (2.0, "-- C: NOOP … ×2, last at 1.5")
