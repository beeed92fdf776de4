"""The transcript: the newest lines of a conversation with a server. Bounded, one clean line each.

Callers omit secrets and the content of messages. The trips of a mailbox share its transcript. Polls
without a result become one line with their number; lines about the message of one trip are not
shown to others.
"""

from collections.abc import Collection, Iterator
from itertools import takewhile
from sys import intern

from exporter.core.model import one_line
from exporter.core.transcript_entries import Line, LineEntry, PollsEntry, summary

MOST_LINES = 400  # that are kept of a conversation, and shown of a trip that failed
LONGEST_LINE = 500  # characters


class Transcript:
    """The conversation on one leg. The trips of a mailbox share one, across its sessions."""

    def __init__(self, leg: str) -> None:
        self.leg = leg
        # No deque, since an empty one has room for 64: each trip in progress has a transcript.
        self._entries: list[LineEntry | PollsEntry] = []
        self._number = 0
        # The end of the newest poll that is shown in full.
        self._looked: tuple[int, tuple[str, ...]] | None = None
        self._forgotten = float("-inf")  # when the newest line was noted of those that are gone

    def note(self, moment: float, text: str) -> None:
        # Most lines of a server are the same in each session: they are kept once.
        self._add(LineEntry(self.position, moment, intern(one_line(text, LONGEST_LINE))))

    def since(self, moment: float, trip: str, most: int) -> list[Line]:
        """The lines from that moment on, in the order of time, without those about trips other than
        this one; only the newest of them."""
        lines: list[Line] = []
        for entry in reversed(self._entries):
            if entry.moment < moment or len(lines) == most:
                break
            if entry.owners is None or not trip or trip in entry.owners:
                lines.append(entry.line_since(moment))
        return lines[::-1]

    def is_whole_since(self, moment: float) -> bool:
        return self._forgotten < moment

    @property
    def position(self) -> int:
        """The position of the next line."""
        return self._number

    def concerns(self, position: int, trips: Collection[str]) -> None:
        """Marks the lines from that position on as being about the messages of these trips only."""
        owners = frozenset(trips)
        for entry in self._from(position):
            if isinstance(entry, LineEntry):
                entry.owners = owners

    def looked(self, position: int) -> None:
        """Marks the lines from that position on as a poll without a result, perhaps one of many."""
        look = [entry for entry in self._from(position) if isinstance(entry, LineEntry)][::-1]
        if not look or look[0].number != position or any(line.owners is not None for line in look):
            return
        kinds = tuple(line.kind for line in look)
        before = self._entries[-len(look) - 1] if len(self._entries) > len(look) else None
        if isinstance(before, PollsEntry) and before.kinds == kinds:
            self._take(len(look))
            before.moments.append(look[-1].moment)
        elif self._looked == (position, kinds):
            self._take(len(look))
            first = summary(look[0].text)
            looks = PollsEntry(self.position, kinds, first)
            looks.moments.append(look[-1].moment)
            self._add(looks)
        else:
            self._looked = self.position, kinds

    def _from(self, position: int) -> Iterator[LineEntry | PollsEntry]:
        """The newest first."""
        return takewhile(lambda entry: entry.number >= position, reversed(self._entries))

    def _take(self, count: int) -> None:
        for _ in range(count):
            self._entries.pop()

    def _add(self, entry: LineEntry | PollsEntry) -> None:
        if len(self._entries) == MOST_LINES:
            self._forgotten = self._entries.pop(0).moment
        self._entries.append(entry)
        self._number += 1
