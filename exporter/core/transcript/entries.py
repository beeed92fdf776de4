"""The entries of a transcript: lines, and polls without a result."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from exporter.core.one_line import one_line

LONGEST_SUMMARY = 240  # characters of polls that are counted in one line
MOST_POLLS = 500  # whose moments are remembered, of those that are one line

Line = tuple[float, str]
"""The monotonic moment, and the text."""

_COMMAND, _ANSWER = "C: ", "S: "
_TAG = re.compile(r"^([CS]: )[A-Z]+[0-9]+ ")  # of IMAP's commands
# The stamp in a POP3 server's greeting, and how long something took.
_PASSING = re.compile(r"<[^>]*>|[0-9]+\.[0-9]+")


@dataclass(slots=True, eq=False)
class LineEntry:
    number: int
    moment: float
    text: str
    # The trips that it is about; None: it is about the session.
    owners: frozenset[str] | None = None

    def lines_since(self, since: float) -> list[Line]:
        """The line, which is not older than that."""
        return [(self.moment, self.text)]

    @property
    def kind(self) -> str:
        """Equal for two lines with the same content."""
        return _PASSING.sub("", _TAG.sub(r"\1", self.text))


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command and its answers, or what came before the first command."""

    lines: tuple[LineEntry, ...]
    command: str  # without its tag; empty if there is none
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[LineEntry]) -> Self:
        first = lines[0].text
        command = _TAG.sub(r"\1", first) if first.startswith(_COMMAND) else ""
        return cls(tuple(lines), command, tuple(line.kind for line in lines))

    @property
    def began(self) -> float:
        return self.lines[0].moment

    @property
    def is_unsolicited(self) -> bool:
        """Whether the server said it of its own accord, such as how many messages there are now."""
        return not self.command and self.lines[0].text.startswith(_ANSWER)


def exchanges(lines: Sequence[LineEntry]) -> list[Exchange]:
    """The exchanges of a poll, in their order."""
    starts = [place for place, line in enumerate(lines) if line.text.startswith(_COMMAND)]
    bounds = [*dict.fromkeys((0, *starts)), len(lines)]
    return [Exchange.of(lines[first:last]) for first, last in pairwise(bounds)]


@dataclass(slots=True, eq=False)
class PollsEntry:
    """Equal polls without a result, or parts of them. What they say is shown in full by other
    entries, the oldest of which is of `shown_at`."""

    number: int
    kinds: tuple[str, ...]
    texts: tuple[str, ...]  # of the first
    shown_at: float
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_POLLS))
    owners: None = None

    @property
    def moment(self) -> float:
        return self.moments[-1]

    def lines_since(self, since: float) -> list[Line]:
        """The polls from that moment on, the newest of which is not older. If what they say was
        shown before, the first of these is shown in full. The others are one line, with the seconds
        from that moment to the newest."""
        moments = [moment for moment in self.moments if moment >= since]
        lines: list[Line] = []
        if self.shown_at < since:
            first = moments.pop(0)
            lines = [(first, text) for text in self.texts]
        if moments:
            times = f"×{len(moments)}, last at {moments[-1] - since:.1f}"
            times = times if len(moments) > 1 else "again"
            lines.append((moments[0], f"-- {summary(self.texts)} … {times}"))
        return lines


def summary(texts: Sequence[str]) -> str:
    """The commands of a poll, standing for all equal ones; without a command, its first line."""
    tagless = [_TAG.sub(r"\1", text) for text in texts if text.startswith(_COMMAND)]
    commands = ", ".join(text.removeprefix(_COMMAND) for text in tagless)
    return one_line(
        f"{_COMMAND}{commands}" if commands else texts[0].removeprefix("-- "), LONGEST_SUMMARY
    )
