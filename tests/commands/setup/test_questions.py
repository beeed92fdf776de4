"""Questions to a person: asked until the answer is good."""

import pytest

from exporter.commands.exit_status import CannotStart
from exporter.commands.setup.questions import Questions
from exporter.config.address import check_email
from tests.support.scripted_questions import ScriptedQuestions


def test_a_wrong_answer_is_told_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    questions = ScriptedQuestions("nobody", "me@example.org")
    assert questions.prompt("To whom?", "", check_email) == "me@example.org"
    said = capsys.readouterr().out
    assert said.count("To whom?") == 1
    assert len(said.splitlines()) > 2


def test_an_empty_line_stands_for_the_default() -> None:
    assert (
        ScriptedQuestions("").prompt("To whom?", "me@example.org", check_email) == "me@example.org"
    )


def test_answers_are_kept_only_if_one_says_so() -> None:
    for answer, keeps in (("keep", True), ("K", True), ("", False), ("no", False)):
        assert ScriptedQuestions(answer).keeps() is keeps


def test_the_end_of_the_input_is_the_end() -> None:
    with pytest.raises(CannotStart, match="nothing is written"):
        ScriptedQuestions().prompt("To whom?", "", check_email)


def test_a_long_line_is_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    Questions.say("word " * 60 + "https://example.org/" + "a" * 300 + "\nlast")
    *lines, last = capsys.readouterr().out.splitlines()
    assert all(line.startswith("   ") for line in lines)
    assert last == "   last"
    assert any(line.endswith("a" * 300) for line in lines)
