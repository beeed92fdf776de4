"""A recording of a terminal, and what stood there at each moment.

The file is an asciicast, version 2: a header, then a line for each piece of output, with its time
in seconds since the start. `python -m tests.pictures` makes it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyte

GLIMPSE = 0.04  # seconds: what stands there for less is not seen

Line = tuple["Run", ...]
"""What stands in one line of the terminal, without the blanks between."""


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Characters beside each other that look alike. At most one blank is between two words."""

    column: int
    text: str
    colour: str = "default"  # as pyte names it
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """What stood in the terminal from a moment on, in seconds since the start."""

    at: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Recording:
    columns: int
    rows: int
    output: tuple[tuple[float, str], ...] = field(repr=False)  # seconds, and what was written

    @classmethod
    def read(cls, file: Path) -> "Recording":
        header, *lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        output = tuple((at, text) for at, kind, text in lines if kind == "o")
        return cls(header["width"], header["height"], output)

    def write(self, file: Path) -> None:
        header = {"version": 2, "width": self.columns, "height": self.rows}
        lines = [header, *([round(at, 3), "o", text] for at, text in self.output)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        file.write_text(text, encoding="utf-8")

    def pictures(self) -> list[Picture]:
        """One for each moment at which something changed, oldest first, without those that a reader
        cannot see."""
        screen = pyte.Screen(self.columns, self.rows)
        stream = pyte.Stream(screen)
        found: list[Picture] = []
        for at, text in self.output:
            stream.feed(text)
            lines = tuple(tuple(_runs(screen, row)) for row in range(self.rows))
            while found and at - found[-1].at < GLIMPSE:
                at = found.pop().at
            if not found or lines != found[-1].lines:
                found.append(Picture(at, lines))
        return found


def _runs(screen: Any, row: int) -> Iterator[Run]:
    characters = [screen.buffer[row][column] for column in range(screen.columns)]
    column = 0
    for look, group in groupby(characters, lambda one: (one.fg, one.bold)):
        text = "".join(one.data for one in group)
        for start, words in _words(text):
            yield Run(column + start, words, *look)
        column += len(text)


def _words(text: str) -> Iterator[tuple[int, str]]:
    """The parts between which there are two blanks or more, and where each begins."""
    start = 0
    for part in text.split("  "):
        if words := part.strip(" "):
            yield start + part.index(words[0]), words
        start += len(part) + 2
