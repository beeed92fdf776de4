"""Errors in a configuration: one line each, with the place and the cure."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice

from exporter.core.one_line import one_line

MAX_SUGGESTIONS = 20
# Known words; characters of the unknown one. Strangers may send words, and comparing takes long.
MOST_COMPARED, LONGEST_COMPARED = 200, 60
MAX_SHOWN = 200  # mistakes; more are not useful, and one wrong indentation can be thousands

Path = tuple[str | int, ...]
"""The keys, and positions in lists, from the top of the file down to a value."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file, counted from 1 as in editors."""

    line: int
    column: int


_TOP = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error and its place. Never contains a secret's value."""

    file: str
    place: Place | None  # None: the file as a whole
    path: str
    text: str
    warning: bool = False
    """Whether it may be meant all the same."""

    def __str__(self) -> str:
        file = one_line(self.file)
        where = f":{self.place.line}:{self.place.column}" if self.place else ""
        kind = "warning: " if self.warning else ""
        return f"{file}{where}: {kind}{f'{self.path}: ' if self.path else ''}{self.text}"


class Mistakes(Exception):
    """The configuration is invalid. The text has one line for each error, in the order of the
    files."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = ordered(mistakes)
        self.shown = self.mistakes[:MAX_SHOWN]
        self.more = ""  # the last line, if there are others
        if more := len(self.mistakes) - len(self.shown):
            self.more = f"{one_line(self.mistakes[MAX_SHOWN].file)}: at least {more} more errors"
        super().__init__("\n".join(filter(None, (*map(str, self.shown), self.more))))


def ordered(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """The errors in the order of the files. An error that an alias repeats is listed once."""
    once: dict[object, Mistake] = {}
    for one in mistakes:
        once.setdefault((one.file, one.place, one.text) if one.place else one, one)
    files = {
        file: number for number, file in enumerate(dict.fromkeys(one.file for one in once.values()))
    }
    return tuple(sorted(once.values(), key=lambda one: (files[one.file], one.place or _TOP)))


def written(path: Path) -> str:
    """A path in the usual notation: `probes[0].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{one_line(part, 60)}" for part in path)
    return "".join(parts).removeprefix(".")


def suggestion(word: object, known: Iterable[str]) -> str:
    """The known word that was most likely meant, as the end of a line; without one, all known
    words."""
    words = list(known)
    if meant := closest(word, words):
        return f"; did you mean {meant}?"
    shown = ", ".join(words[:MAX_SUGGESTIONS]) + (", …" if len(words) > MAX_SUGGESTIONS else "")
    return f"; known: {shown}" if words else ""


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, whatever its case. Those that begin alike are
    compared first."""
    if not isinstance(word, str) or len(word) > LONGEST_COMPARED:
        return None
    asked, words = word.lower(), {one.lower(): one for one in known}
    alike = (one for one in words if one.startswith(asked[:2]))
    few = dict.fromkeys(islice(chain(alike, words), MOST_COMPARED))
    return next((words[one] for one in get_close_matches(asked, few, 1)), None)
