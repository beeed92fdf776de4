"""The entries of a transcript: lines, and polls without a result."""

import re
from collections import deque
from dataclasses import dataclass, field

from exporter.core.model import one_line

LONGEST_SUMMARY = 240  # characters of looks that are counted in one line
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

    def line_since(self, since: float) -> Line:
        """The line, which is not older than that."""
        return self.moment, self.text

    @property
    def kind(self) -> str:
        """Equal for two lines with the same content."""
        return _PASSING.sub("", _TAG.sub(r"\1", self.text))


@dataclass(slots=True, eq=False)
class PollsEntry:
    """A series of similar polls without a result."""

    number: int
    kinds: tuple[str, ...]
    first: str
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_POLLS))
    owners: None = None

    @property
    def moment(self) -> float:
        return self.moments[-1]

    def line_since(self, since: float) -> Line:
        """The polls from that moment on as one line, with the seconds from then to the newest,
        which is not older."""
        moments = [moment for moment in self.moments if moment >= since]
        text = f"-- {self.first} … ×{len(moments)}, last at {moments[-1] - since:.1f}"
        return moments[0], text


def summary(line: str) -> str:
    """The first line of a poll, standing for all similar ones."""
    return one_line(_TAG.sub(r"\1", line).removeprefix("-- "), LONGEST_SUMMARY)
