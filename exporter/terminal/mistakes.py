"""Errors in a configuration: a line each, and in a terminal the line of the file with a caret."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

CARET = "^"
BEFORE = 40  # columns of a long line that are shown before the caret

Lines = Mapping[int, str]
_VERDICT = re.compile("(?:^|(?<=: ))(?:OK|FAILED)(?=:|  )")


class Place(Protocol):
    """A position in a file, counted from 1."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


class Mistake(Protocol):
    """An error, or a warning; its text is one line. Without a place it is about the whole file."""

    @property
    def file(self) -> str: ...

    @property
    def place(self) -> Place | None: ...

    @property
    def warning(self) -> bool: ...


def draw(mistakes: Sequence[Mistake], lines_of: Callable[[str], Lines], console: Console) -> None:
    """Prints them. `lines_of` returns lines of a file that may be shown; it is only asked for a
    terminal."""
    known: dict[str, Lines] = {}
    for one in mistakes:
        words, place = str(one), one.place
        style = "bold yellow" if one.warning else "bold red"
        text = Text(words)
        where = words.find(": ") + 1
        text.stylize("bold", 0, where)
        if one.warning:
            text.stylize(style, where, words.find(": ", where) + 1)
        console.print(text, soft_wrap=True)
        if not console.is_terminal or place is None:
            continue
        if one.file not in known:
            known[one.file] = lines_of(one.file)
        if (line := known[one.file].get(place.line)) is not None:
            for part in _excerpt(line, place.line, place.column, console.width, style):
                console.print(part, soft_wrap=True)


def _excerpt(line: str, number: int, column: int, width: int, style: str) -> tuple[Text, Text]:
    """The line, or as much of it as fits, and the caret below it."""
    margin, room = f"{number:5} | ", max(width - 9, 2 * BEFORE)
    line = line.ljust(column)
    before, after = line[: column - 1], line[column - 1 :]
    if len(line) > room or cell_len(line) > room:
        before, after = before[-BEFORE:], after[:room]
        while cell_len(before) > BEFORE:
            before = before[1:]
        while cell_len(before + after) > room:
            after = after[:-1]
    place = cell_len(before)
    shown = Text.assemble((margin, "dim"), (before + after).rstrip())
    below = Text.assemble((f"{'':5} | ", "dim"), " " * place, (CARET, style))
    return shown, below


def with_verdict(line: str) -> Text:
    """A line of `check` with its verdict in colour."""
    text = Text(line)
    if found := _VERDICT.search(line):
        text.stylize("bold green" if found[0] == "OK" else "bold red", *found.span())
    return text
