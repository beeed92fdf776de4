"""The first screen of the README says what mailtrip is, and how to run and test it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCREEN = README.partition("\n## ")[0]
COMMANDS = re.findall(r"^    (make \w+) +# (\w+ it): .+$", SCREEN, re.MULTILINE)


def test_it_begins_with_one_sentence() -> None:
    sentence = re.search(r"^# mailtrip\n\n\*\*(.+?)\*\*\n\n", README, re.DOTALL)
    assert sentence
    assert sentence[1].replace("*", "").count(".") == 1
    assert len(sentence[1]) < 250


def test_two_commands_run_it_and_test_it() -> None:
    assert COMMANDS == [("make run", "run it"), ("make test", "test it")]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {command.removeprefix("make ") for command, _ in COMMANDS} <= set(targets)
    assert all(len(line) <= 84 for line in SCREEN.split("\n") if line.startswith("    "))


def test_each_picture_has_words_for_who_cannot_see_it() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\((docs/[^)]+)\)", README)
    assert [picture for _, picture in pictures] == ["docs/terminal.svg", "docs/trip.png"]
    assert all(len(words) > 40 for words, _ in pictures)
    assert "docs/terminal.svg" in SCREEN
