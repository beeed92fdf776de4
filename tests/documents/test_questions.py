"""The questions of docs/faq.md have answers that are short and lead further, and the comparison
says when it was made."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAQ = (ROOT / "docs/faq.md").read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^### ([^\n]+)\n\n(.+?)\n(?=\n#|\Z)", FAQ, re.MULTILINE | re.DOTALL))
COMPARISON = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")


def sentences(answer: str) -> int:
    """Roughly: code and links have full stops of their own."""
    plain = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "x", " ".join(answer.split()))
    return len(re.findall(r"[.!?](?= |$)", plain))


def test_there_are_enough_questions_and_not_too_many() -> None:
    assert 15 <= len(QUESTIONS) <= 25
    assert len(QUESTIONS) == FAQ.count("\n### ")


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_answer_is_short_and_leads_further(question: str) -> None:
    answer = QUESTIONS[question]
    assert question.endswith("?")
    assert 2 <= sentences(answer) <= 5
    assert re.search(r"\]\([\w.#-]+\)\.?$", answer.strip())


def test_each_program_of_the_comparison_has_a_date() -> None:
    parts = re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", COMPARISON, re.MULTILINE | re.DOTALL)
    assert len(parts) >= 6
    for name, text in parts:
        assert re.search(r"\b20\d\d\b", text), f"{name}: when was it looked at?"
