"""What was said: the newest lines of a conversation with a server. Bounded, one clean line each.

Whoever notes a line leaves out secrets and what is in messages.
"""

from collections import deque
from collections.abc import Sequence
from operator import itemgetter

from exporter.model import one_line

MOST_LINES, FEW_LINES = 400, 100  # that are told of a trip that failed, and of one that did not
LONGEST_LINE = 500  # characters
MOST_TEXT = 1 << 15  # characters that are told of a trip
LEFT_OUT = "(earlier lines are left out)"

Line = tuple[float, str, str]
"""The monotonic moment, the part of the path, and the text."""


class Transcript:
    """The conversation on one leg. That of a mailbox is shared by its trips, and goes on from session to session."""

    def __init__(self, leg: str) -> None:
        self._leg = leg
        self._lines: deque[Line] = deque(maxlen=MOST_LINES)
        self._forgotten = float("-inf")  # when the newest line was noted of those that are gone

    def note(self, moment: float, text: str) -> None:
        if len(self._lines) == MOST_LINES:
            self._forgotten = self._lines[0][0]
        self._lines.append((moment, self._leg, one_line(text, LONGEST_LINE)))

    def since(self, moment: float) -> list[Line]:
        """The lines from that moment on."""
        return [line for line in self._lines if line[0] >= moment]

    def is_whole_since(self, moment: float) -> bool:
        return self._forgotten < moment


def told(transcripts: Sequence[Transcript], began: float, most: int = MOST_LINES) -> tuple[str, ...]:
    """The newest lines of all, in the order of time, each with the seconds since `began` and its leg."""
    whole = all(transcript.is_whole_since(began) for transcript in transcripts)
    lines = sorted((line for transcript in transcripts for line in transcript.since(began)), key=itemgetter(0))
    texts = [f"{moment - began:9.3f} {leg:7} {text}" for moment, leg, text in lines[-most:]]
    size = 0
    for place in range(len(texts) - 1, -1, -1):
        size += len(texts[place])
        if size > MOST_TEXT:
            return (LEFT_OUT, *texts[place + 1 :])
    return tuple(texts) if whole and len(lines) == len(texts) else (LEFT_OUT, *texts)
