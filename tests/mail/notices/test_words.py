"""Phrases in a text, whatever its case, blanks and apostrophes."""

import pytest

from exporter.mail.notices.words import Phrases, squeezed

PHRASES = Phrases("could(?:n't| not) be delivered\nfailed", "unzustellbar\nне доставлено")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Could  NOT\r\n\tbe delivered ", "could not be delivered"),
        ("couldn’t", "couldn't"),
        ("couldn`t couldn´t", "couldn't couldn't"),
        ("İLETİLEMEDİ", "iletilemedi"),
        ("", ""),
    ],
)
def test_a_text_is_normalized_as_phrases_are(text: str, words: str) -> None:
    assert squeezed(text) == words


def test_a_phrase_begins_a_word_and_may_end_inside_of_one() -> None:
    assert PHRASES.found_in("it could not be delivered")
    assert PHRASES.found_in("(failed)")
    assert PHRASES.found_in("failedmessage")
    assert not PHRASES.found_in("notfailed")
    assert not PHRASES.found_in("7failed")
    assert not PHRASES.found_in("")


def test_foreign_phrases_are_found_in_foreign_texts() -> None:
    assert PHRASES.found_in("сообщение не доставлено")
    assert PHRASES.found_in("unzustellbar: die nachricht an müller")
    assert not PHRASES.found_in("доставлено")
    assert not Phrases("failed").found_in("не доставлено")


def test_a_start_is_at_the_start_behind_marks_alone() -> None:
    assert PHRASES.match_start("failed: your message")
    assert PHRASES.match_start("*** failed")
    assert not PHRASES.match_start("it failed")
