"""The entries of a transcript: lines, and polls without a result."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from exporter.core.model import one_line

LONGEST_SUMMARY = 240  # characters of polls that are counted in one line
MOST_POLLS = 500  # whose moments are remembered, of those that are one line

Line = tuple[float, str]
"""The monotonic moment, and the text."""

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


@dataclass(slots=True, eq=False)
class PollsEntry:
    """Equal polls without a result, of which the first is shown in full by entries of its own."""

    number: int
    kinds: tuple[str, ...]
    texts: tuple[str, ...]  # of the first
    shown_at: float  # when the first began
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_POLLS))  # the others
    owners: None = None

    @property
    def moment(self) -> float:
        return self.moments[-1]

    def lines_since(self, since: float) -> list[Line]:
        """The polls from that moment on, the newest of which is not older. If the first of all is
        older, the first of these is shown in full. The others are one line, with the seconds from
        that moment to the newest."""
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
    commands = shape(texts)
    words = [f"C: {', '.join(one.removeprefix('C: ') for one in commands)}"] if commands else texts
    return one_line(words[0].removeprefix("-- "), LONGEST_SUMMARY)


def shape(texts: Iterable[str]) -> tuple[str, ...]:
    """The commands of a poll."""
    return tuple(_TAG.sub(r"\1", text) for text in texts if text.startswith("C: "))
