"""The transcript: the newest lines of a conversation with a server. Bounded, one clean line each.

Callers omit secrets and the content of messages. The trips of a mailbox share its transcript. Polls
without a result that repeat become one line with their number; lines about the message of one trip
are not shown to others.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, groupby, takewhile
from operator import attrgetter, itemgetter
from sys import intern

from exporter.core.one_line import one_line
from exporter.core.transcript.entries import (
    Exchange,
    Line,
    LineEntry,
    PollsEntry,
    exchanges,
)

MOST_LINES = 400  # that are kept of a conversation, and shown of a trip that failed
LONGEST_LINE = 500  # characters
MOST_COMMANDS = 32  # of polls that are remembered, and as many of their sequences
LONGEST_POLL = 100  # lines of a poll that may become one line


class Transcript:
    """The conversation on one leg. The trips of a mailbox share one, across its sessions."""

    def __init__(self, leg: str) -> None:
        self.leg = leg
        # No deque, since an empty one has room for 64: each trip in progress has a transcript.
        self._entries: list[LineEntry | PollsEntry] = []
        self._number = 0
        # Of polls without a result, by their commands: the newest exchange that is shown in full,
        # and those in a row that are counted. Those that were not met for longest are first.
        self._exchanges: dict[str, Exchange] = {}
        self._polls: dict[tuple[str, ...], PollsEntry] = {}
        self._forgotten = float("-inf")  # when the newest line was noted of those that are gone

    def note(self, moment: float, text: str) -> None:
        """Adds a line of that moment, in seconds of the monotonic clock."""
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
        """Whether no line from that moment on has been dropped; seconds of the monotonic clock."""
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

        A command with other answers than the last time is shown in full, and so is what the server
        said of its own accord; the others are counted.
        """
        look = [entry for entry in self._from(position) if isinstance(entry, LineEntry)][::-1]
        if not 0 < len(look) <= LONGEST_POLL or look[0].number != position:
            return
        if any(line.owners is not None for line in look):
            return
        said = [(one, self._same_before(one)) for one in exchanges(look)]
        for is_known, run in groupby(said, lambda pair: pair[1] is not None):
            if is_known:
                self._count([(one, before) for one, before in run if before], look[-1].moment)

    def _same_before(self, exchange: Exchange) -> Exchange | None:
        """The newest one with the same command that is shown in full, if it has the same
        answers."""
        if exchange.is_unsolicited:
            return None
        before = self._exchanges.pop(exchange.command, None)
        if before and before.kinds != exchange.kinds:
            before = None
        self._exchanges[exchange.command] = before or exchange
        if len(self._exchanges) > MOST_COMMANDS:
            del self._exchanges[next(iter(self._exchanges))]
        return before

    def _count(self, said: Sequence[tuple[Exchange, Exchange]], moment: float) -> None:
        """Counts exchanges, each with the one that is shown in full, as a part of a poll that ended
        at that moment."""
        run = [one for one, _ in said]
        commands = tuple(one.command for one in run)
        kinds = tuple(chain.from_iterable(one.kinds for one in run))
        polls = self._polls.pop(commands, None)
        if polls is None or polls.kinds != kinds:
            texts = tuple(line.text for one in run for line in one.lines)
            shown_at = min(before.began for _, before in said)
            polls = PollsEntry(self.position, kinds, texts, shown_at)
        gone = {line.number for one in run for line in one.lines}
        start = self._place(min(gone))
        self._entries[start:] = [one for one in self._entries[start:] if one.number not in gone]
        if polls.moments:
            del self._entries[self._place(polls.number)]
        polls.moments.append(moment)
        polls.number = self.position
        self._add(polls)
        self._polls[commands] = polls
        if len(self._polls) > MOST_COMMANDS:
            del self._polls[next(iter(self._polls))]

    def _place(self, number: int) -> int:
        """Where the entry of this number is: they are in the order of their numbers."""
        return bisect_left(self._entries, number, key=attrgetter("number"))

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
