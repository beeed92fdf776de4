"""The transcript: the newest lines of a conversation with a server. Bounded, one clean line each.

Callers omit secrets and the content of messages. The trips of a mailbox share its transcript. Polls
without a result that repeat become one line with their number; lines about the message of one trip
are not shown to others.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from operator import itemgetter
from sys import intern

from exporter.core.model import one_line
from exporter.core.transcript_entries import Line, LineEntry, PollsEntry, shape

MOST_LINES = 400  # that are kept of a conversation, and shown of a trip that failed
LONGEST_LINE = 500  # characters
MOST_SHAPES = 32  # of polls that are remembered: the commands that one consists of
LONGEST_POLL = 100  # lines of a poll that may become one line


class Transcript:
    """The conversation on one leg. The trips of a mailbox share one, across its sessions."""

    def __init__(self, leg: str) -> None:
        self.leg = leg
        # No deque, since an empty one has room for 64: each trip in progress has a transcript.
        self._entries: list[LineEntry | PollsEntry] = []
        self._number = 0
        # The newest poll without a result of each shape, those that were not met for longest first.
        # It is among the entries from the second equal one on.
        self._polls: dict[tuple[str, ...], PollsEntry] = {}
        self._forgotten = float("-inf")  # when the newest line was noted of those that are gone

    def note(self, moment: float, text: str) -> None:
        # Most lines of a server are the same in each session: they are kept once.
        self._add(LineEntry(self.position, moment, intern(one_line(text, LONGEST_LINE))))

    def since(self, moment: float, trip: str, most: int) -> list[Line]:
        """The lines from that moment on, in the order of time, without those about trips other than
        this one; only the newest of them."""
        lines: list[Line] = []
        for entry in reversed(self._entries):
            if entry.moment < moment or len(lines) >= most:
                break
            if entry.owners is None or not trip or trip in entry.owners:
                lines += reversed(entry.lines_since(moment))
        lines.reverse()
        lines.sort(key=itemgetter(0))  # a line of polls is as old as the first of them
        return lines[-most:]

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
        """Marks the lines from that position on as a poll without a result, perhaps one of many.

        It is shown in full if the last one with the same commands had other answers.
        """
        look = [entry for entry in self._from(position) if isinstance(entry, LineEntry)][::-1]
        if not 0 < len(look) <= LONGEST_POLL or look[0].number != position:
            return
        if any(line.owners is not None for line in look):
            return
        texts = tuple(line.text for line in look)
        commands, kinds = shape(texts), tuple(line.kind for line in look)
        polls = self._polls.pop(commands, None)
        if polls and polls.kinds == kinds:
            self._fold(look, polls)
        else:
            polls = PollsEntry(position, kinds, texts, look[0].moment)
        self._polls[commands] = polls
        if len(self._polls) > MOST_SHAPES:
            del self._polls[next(iter(self._polls))]

    def _fold(self, look: Sequence[LineEntry], polls: PollsEntry) -> None:
        """Counts these lines with the `polls`, which become the newest entry."""
        gone = {line.number for line in look}
        if polls.moments:
            gone.add(polls.number)
        self._entries = [entry for entry in self._entries if entry.number not in gone]
        polls.moments.append(look[-1].moment)
        polls.number = self.position
        self._add(polls)

    def _from(self, position: int) -> Iterator[LineEntry | PollsEntry]:
        """The newest first."""
        return takewhile(lambda entry: entry.number >= position, reversed(self._entries))

    def _add(self, entry: LineEntry | PollsEntry) -> None:
        if len(self._entries) == MOST_LINES:
            oldest = self._entries.pop(0)
            self._forgotten = oldest.moment
            if isinstance(oldest, PollsEntry):
                oldest.moments.clear()
        self._entries.append(entry)
        self._number += 1
