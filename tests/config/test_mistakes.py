"""The table of bad files. Each file in bad/ begins with the exact lines, behind `#: `, that answer
it."""

import time
from pathlib import Path

import pytest

from exporter.config.mistakes import LONGEST_COMPARED, MOST_COMPARED, Mistakes, suggestion
from exporter.settings import Settings

BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
EXPECTED = "#: "


def expected_lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [
        f"{file.name}:{line.removeprefix(EXPECTED)}" for line in lines if line.startswith(EXPECTED)
    ]


def mistakes_in(text: str | bytes, file: str = "mailtrip.yml") -> list[str]:
    with pytest.raises(Mistakes) as caught:
        Settings.parse(text.encode() if isinstance(text, str) else text, file)
    lines = str(caught.value).splitlines()
    assert lines == [str(mistake) for mistake in caught.value.mistakes], "each mistake is one line"
    return lines


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_file_is_answered_with_exactly_these_lines(file: Path) -> None:
    assert mistakes_in(file.read_bytes(), file.name) == expected_lines(file)


def test_the_table_has_many_mistakes() -> None:
    assert sum(len(expected_lines(file)) for file in BAD) > 120


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_no_mistake_tells_a_secret(file: Path) -> None:
    for line in mistakes_in(file.read_bytes(), file.name):
        assert "hunter2" not in line
        assert "31337" not in line


def test_mistakes_come_in_the_order_of_the_file_whoever_found_them() -> None:
    text = (
        "state: {dir: 5}\nmodules: {a: {}, a: {}}\nprobes:\n- {name: x, module: y, target: z}\n-"
        " {name: ''}\n"
    )
    lines = mistakes_in(text)
    assert [line.split(" ")[0] for line in lines] == [
        "mailtrip.yml:1:14:",  # of the wrong type
        "mailtrip.yml:2:14:",  # something is missing
        "mailtrip.yml:2:18:",  # given twice
        "mailtrip.yml:4:21:",  # a reference
        "mailtrip.yml:5:3:",  # something is missing
        "mailtrip.yml:5:3:",
        "mailtrip.yml:5:10:",
    ]


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        Settings.load(str(tmp_path / "none.yml"))
    assert str(caught.value) == f"{tmp_path}/none.yml: cannot be read: No such file or directory"
    with pytest.raises(
        Mistakes, match="this directory contains no file that ends in .yml or .yaml"
    ):
        Settings.load(str(tmp_path))
    with pytest.raises(Mistakes, match="cannot be read: embedded null byte"):
        Settings.load("a\0b")


def test_a_file_of_another_program_is_not_answered_with_as_many_lines_as_it_has() -> None:
    with pytest.raises(Mistakes) as caught:
        Settings.parse("".join(f"key{n}: 1\n" for n in range(20_000)).encode(), "other.yml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 201
    assert lines[0].startswith("other.yml:1:1: key0: unknown key")
    assert lines[-1] == "other.yml: at least 800 more errors"


def test_a_file_whose_name_has_line_breaks_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        Settings.load(str(tmp_path / "a\nb.yml"))
    assert str(caught.value) == f"{tmp_path}/a b.yml: cannot be read: No such file or directory"


def test_utf_16_without_its_mark_is_called_so() -> None:
    (line,) = mistakes_in("probes: []".encode("utf-16-le"))
    assert (
        line == "mailtrip.yml:1:2: control character U+0000 is not allowed here: save the file as"
        " UTF-8, if it is UTF-16"
    )


def test_a_similar_word_is_suggested_else_the_known_ones_are_named() -> None:
    assert suggestion("submision", ["submission", "inbound"]) == "; did you mean submission?"
    assert suggestion("x", ["submission", "inbound"]) == "; known: submission, inbound"
    assert suggestion(7, ["submission"]) == "; known: submission"
    assert suggestion("x", []) == ""


def test_of_very_many_words_and_with_a_very_long_one_not_all_are_compared() -> None:
    """A link to a probe that does not exist would hold up the event loop for a second."""
    many = [f"probe-{number:06}" for number in range(MOST_COMPARED)]
    assert suggestion("zubmision", [*many, "submission"]).startswith("; known: probe-000000, ")
    assert suggestion("submision", [*many, "submission"]) == "; did you mean submission?"
    words, began = [f"gmail-to-outlook-{n}" for n in range(10_000)], time.process_time()
    assert "known: " in suggestion("kooltuo-ot-liamg-1234", words)  # which passes quick checks
    assert time.process_time() - began < 0.02
    long = "x" * LONGEST_COMPARED
    assert suggestion(long, [f"{long}y"]) == f"; did you mean {long}y?"
    assert suggestion(f"{long}x", [f"{long}y"]) == f"; known: {long}y"
