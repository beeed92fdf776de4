"""Characters that look like others, or like nothing."""

import pytest

from exporter.config.confusables import (
    called,
    ends_oddly,
    lookalike_in,
    mark_in,
    odd_in,
    oddly_indented,
    plain_of,
    quoted_oddly,
)


def test_a_character_has_its_name() -> None:
    assert called("\u00a0") == "U+00A0 (no-break space)"
    assert called("\t") == "a tab"
    assert called("\x01") == "U+0001 (unnamed)"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a b", ""),
        ("a\u00a0b\u200bc", "U+00A0"),
        ("zero\u200bwidth", "U+200B"),
        ("\ufeffstart", "U+FEFF"),
        ("می\u200cخواهم", ""),
    ],
)
def test_the_first_odd_blank_is_named_and_joiners_are_letters(text: str, name: str) -> None:
    assert odd_in(text).partition(" ")[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("user＠example.org", "U+FF20"),
        ("“quoted”", "U+201C"),
        ("soft\u00adhyphen", "U+00AD"),
        ("müller", ""),
        ("почта", ""),
        ("ａ", ""),
        ("a b", ""),
        ("می\u200cخواهم", ""),
        ("price 5€", ""),
    ],
)
def test_a_lookalike_of_a_sign_is_found_and_letters_of_others_are_valid(
    text: str, name: str
) -> None:
    assert lookalike_in(text).partition(" ")[0] == name


def test_the_word_that_was_meant_has_no_quotes_and_nothing_invisible() -> None:
    assert plain_of("“sub\u200bmission” ") == "submission"
    assert plain_of("plain") == "plain"


def test_indented_lines_are_named_with_their_place() -> None:
    text = "a:\n\u00a0 b: 1\n  – c\n  \u200bd\n  - e\n–f\n"
    assert [(line, column) for line, column, _ in oddly_indented(text)] == [(2, 1), (3, 3), (4, 3)]
    assert [name.partition(" ")[0] for _, _, name in oddly_indented(text)] == [
        "U+00A0",
        "U+2013",
        "U+200B",
    ]


def test_quotes_are_a_pair() -> None:
    assert quoted_oddly("“a”")
    assert quoted_oddly("„a“")
    for text in ("“", "“a", "a”", '"a"', ""):
        assert not quoted_oddly(text)


def test_marks_that_are_not_ascii_are_named() -> None:
    assert mark_in("key： value").startswith("U+FF1A")
    assert mark_in("key: value") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" a", "it begins with a space"),
        ("a ", "it ends with a space"),
        ("a\t", "it ends with a tab"),
        ("\u200ba ", "it begins with U+200B (zero width space)"),
        ("a b", ""),
        ("", ""),
    ],
)
def test_an_end_that_is_not_seen_is_said(text: str, words: str) -> None:
    assert ends_oddly(text) == words
