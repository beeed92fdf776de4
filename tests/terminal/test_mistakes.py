"""Errors in a configuration, drawn in a terminal."""

from io import StringIO

import pytest
from rich.console import Console

from exporter.config.mistakes import Mistake, Place
from exporter.terminal.mistakes import draw, with_verdict

TYPO = Mistake("a.yml", Place(3, 5), "modules.m", "unknown key", False)
WARNING = Mistake("a.yml", Place(12, 1), "modules.m", "warning: unused", True)
LINES = {3: "    intervall: 15s", 12: "m:"}


def drawn(*mistakes: Mistake, lines: dict[int, str], width: int = 60, terminal: bool = True) -> str:
    file = StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, color_system=None)
    draw(mistakes, lambda name: lines if name == "a.yml" else {}, console)
    return file.getvalue()


def test_a_caret_is_below_the_place() -> None:
    assert drawn(TYPO, WARNING, lines=LINES) == (
        "a.yml:3:5: modules.m: unknown key\n"
        "    3 |     intervall: 15s\n"
        "      |     ^\n"
        "a.yml:12:1: warning: modules.m: warning: unused\n"
        "   12 | m:\n"
        "      | ^\n"
    )


def test_without_a_terminal_each_mistake_is_one_line() -> None:
    text = drawn(TYPO, WARNING, lines=LINES, terminal=False)
    assert text == f"{TYPO}\n{WARNING}\n"


def test_a_file_as_a_whole_and_a_line_that_is_unknown_have_no_excerpt() -> None:
    whole = Mistake("a.yml", None, "", "is empty")
    other = Mistake("b.yml", Place(3, 5), "x", "unknown key")
    assert drawn(whole, other, lines=LINES) == f"{whole}\n{other}\n"


@pytest.mark.parametrize(
    ("line", "column", "excerpt", "caret"),
    [
        ("日本: x", 5, "日本: x", 6),
        ("x", 9, "x", 8),
        (f"{'a' * 70}!{'b' * 90}", 71, f"{'a' * 40}!{'b' * 39}", 40),
        (f"{'日' * 60}!{'b' * 90}", 61, f"{'日' * 20}!{'b' * 39}", 40),
    ],
)
def test_the_caret_is_right_in_wide_and_in_long_lines(
    line: str, column: int, excerpt: str, caret: int
) -> None:
    one = Mistake("a.yml", Place(3, column), "x", "unknown key")
    text = drawn(one, lines={3: line}, width=89).splitlines()[1:]
    assert text == [f"    3 | {excerpt}", f"      | {' ' * caret}^"]


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("a.yml: OK: modules: 3", "OK"),
        ("a.yml: FAILED: errors: 3", "FAILED"),
        ("OK      mailbox a: 0.1 s", "OK"),
        ("FAILED  mailbox OK: x: OK", "FAILED"),
        ("-       module m: not tried", ""),
        ("OKAY.yml", ""),
    ],
)
def test_only_the_verdict_is_in_colour(line: str, verdict: str) -> None:
    assert [line[span.start : span.end] for span in with_verdict(line).spans] == (
        [verdict] if verdict else []
    )
