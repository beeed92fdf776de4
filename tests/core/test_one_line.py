"""Texts of others, fit for one line."""

import pytest

from exporter.core.one_line import MAX_DETAIL, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("550 no such user", "550 no such user"),
        ("  550 no\r\n such user\t", "550 no  such user"),
        ("one\x00\x1b\x7f\x9btwo", "one two"),
        ("one\u2028two\u2029three", "one two three"),
        ("safe\u202eexe.txt\u2066", "safe exe.txt"),
        ("half a pair \ud800 of surrogates", "half a pair   of surrogates"),
        ("\x1b[31m", "[31m"),
        ("zażółć 迷惑メール", "zażółć 迷惑メール"),
        ("a\u00a0b", "a\u00a0b"),
        ("\n\r\x00", ""),
        ("", ""),
    ],
)
def test_nothing_in_it_acts_on_a_line_or_a_terminal(text: str, line: str) -> None:
    assert one_line(text) == line
    assert one_line(line) == line


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * MAX_DETAIL) == "x" * MAX_DETAIL
    assert one_line("x" * (MAX_DETAIL + 1)) == "x" * (MAX_DETAIL - 1) + "…"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abc \n\n", 3) == "abc"
