"""What was said: the newest lines of a conversation with a server. Bounded, one clean line each.

Callers leave out secrets and what is in messages. A mailbox's transcript is shared by
its trips. Looks that brought nothing are one line with their number; what was said about the
message of one trip is no other trip's.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter

from exporter.core.model import one_line

MOST_LINES, FEW_LINES = 400, 100  # of a trip that failed, and of another one
LONGEST_LINE = 500  # characters
LONGEST_SUMMARY = 240  # characters of looks that are counted in one line
MOST_TEXT = 1 << 15  # characters in all of one trip
MOST_LOOKS = 500  # whose moments are remembered, of those that are one line
LEFT_OUT = "(earlier lines are left out)"

Line = tuple[float, str, str]
"""The monotonic moment, the part of the path, and the text."""

_TAG = re.compile(r"^([CS]: )[A-Z]+[0-9]+ ")  # of IMAP's commands
# The stamp in a POP3 server's greeting, and how long something took.
_PASSING = re.compile(r"<[^>]*>|[0-9]+\.[0-9]+")


@dataclass(slots=True, eq=False)
class _Noted:
    number: int
    moment: float
    text: str
    # The trips that it is about; None: it is about the session.
    owners: frozenset[str] | None = None

    def line_since(self, since: float, began: float) -> tuple[float, str] | None:
        return (self.moment, self.text) if self.moment >= since else None

    @property
    def kind(self) -> str:
        """The same for two lines that tell the same."""
        return _PASSING.sub("", _TAG.sub(r"\1", self.text))


@dataclass(slots=True, eq=False)
class _Looks:
    """Looks that brought nothing, one as the other."""

    number: int
    kinds: tuple[str, ...]
    first: str
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_LOOKS))
    owners: None = None

    @property
    def moment(self) -> float:
        return self.moments[-1]

    def line_since(self, since: float, began: float) -> tuple[float, str] | None:
        moments = [moment for moment in self.moments if moment >= since]
        if not moments:
            return None
        text = f"-- {self.first} … ×{len(moments)}, last at {moments[-1] - began:.1f}"
        return moments[0], text


class Transcript:
    """The conversation on one leg. That of a mailbox is shared by its trips, and goes on from
    session to session."""

    def __init__(self, leg: str) -> None:
        self._leg = leg
        self._entries: deque[_Noted | _Looks] = deque()
        self._number = 0
        # Where the newest look ended that stands in full.
        self._looked: tuple[int, tuple[str, ...]] | None = None
        self._forgotten = float("-inf")  # when the newest line was noted of those that are gone

    def note(self, moment: float, text: str) -> None:
        self._add(_Noted(self.position, moment, one_line(text, LONGEST_LINE)))

    def since(self, moment: float, began: float | None = None, trip: str = "") -> list[Line]:
        """The lines from that moment on, without those about other trips than that one."""
        began = moment if began is None else began
        entries = (
            one for one in self._entries if one.owners is None or not trip or trip in one.owners
        )
        lines = (entry.line_since(moment, began) for entry in entries)
        return [(when, self._leg, text) for when, text in filter(None, lines)]

    def is_whole_since(self, moment: float) -> bool:
        return self._forgotten < moment

    # ---------------------------------------------------------------- what was it about?

    @property
    def position(self) -> int:
        """Where the next line will be."""
        return self._number

    def concerns(self, position: int, trips: Collection[str]) -> None:
        """What was noted from that position on is about the messages of these trips alone."""
        owners = frozenset(trips)
        for entry in self._from(position):
            if isinstance(entry, _Noted):
                entry.owners = owners

    def looked(self, position: int) -> None:
        """What was noted from that position on was a look that brought nothing: one of many,
        perhaps."""
        look = [entry for entry in self._from(position) if isinstance(entry, _Noted)][::-1]
        if not look or look[0].number != position or any(line.owners is not None for line in look):
            return
        kinds = tuple(line.kind for line in look)
        before = self._entries[-len(look) - 1] if len(self._entries) > len(look) else None
        if isinstance(before, _Looks) and before.kinds == kinds:
            self._take(len(look))
            before.moments.append(look[-1].moment)
        elif self._looked == (position, kinds):
            self._take(len(look))
            first = one_line(_TAG.sub(r"\1", look[0].text).removeprefix("-- "), LONGEST_SUMMARY)
            looks = _Looks(self.position, kinds, first)
            looks.moments.append(look[-1].moment)
            self._add(looks)
        else:
            self._looked = self.position, kinds

    def _from(self, position: int) -> Iterator[_Noted | _Looks]:
        """The newest first."""
        return takewhile(lambda entry: entry.number >= position, reversed(self._entries))

    def _take(self, count: int) -> None:
        for _ in range(count):
            self._entries.pop()

    def _add(self, entry: _Noted | _Looks) -> None:
        if len(self._entries) == MOST_LINES:
            self._forgotten = self._entries.popleft().moment
        self._entries.append(entry)
        self._number += 1


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """The lines of a transcript that concern one trip; for an empty trip, all of them."""

    transcript: Transcript
    trip: str = ""


def merged_lines(
    sources: Sequence[TranscriptView | Transcript], began: float, most: int = MOST_LINES
) -> tuple[str, ...]:
    """The newest lines of each leg, in the order of time, each with the seconds since `began` and
    its leg.

    Each leg has its own room: a mailbox that says much pushes nothing of the sending out.
    """
    views = [one if isinstance(one, TranscriptView) else TranscriptView(one) for one in sources]
    legs = [view.transcript.since(began, trip=view.trip) for view in views]
    by_lines = [
        lines[len(lines) - room :]
        for lines, room in zip(legs, _rooms(map(len, legs), most), strict=True)
    ]
    rooms = _rooms(
        (sum(len(_text(line, began)) for line in lines) for lines in by_lines), MOST_TEXT
    )
    kept = [_newest(lines, room, began) for lines, room in zip(by_lines, rooms, strict=True)]
    cut = [
        len(some) < len(lines) or not view.transcript.is_whole_since(began)
        for some, lines, view in zip(kept, legs, views, strict=True)
    ]
    if all(cut):
        return (LEFT_OUT, *_in_order(kept, began))
    marks = [
        [(some[0][0], some[0][1], LEFT_OUT)] if is_cut and some else []
        for some, is_cut in zip(kept, cut, strict=True)
    ]
    return tuple(_in_order([[*mark, *some] for mark, some in zip(marks, kept, strict=True)], began))


def _in_order(legs: Sequence[Sequence[Line]], began: float) -> list[str]:
    return [
        _text(line, began)
        for line in sorted((line for lines in legs for line in lines), key=itemgetter(0))
    ]


def _text(line: Line, began: float) -> str:
    moment, leg, text = line
    return f"{moment - began:9.3f} {leg:7} {text}"


def _newest(lines: Sequence[Line], room: int, began: float) -> list[Line]:
    """As many as there is room for, in characters."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(_text(lines[place], began))
        if size > room:
            return list(lines[place + 1 :])
    return list(lines)


def _rooms(wanted: Iterator[int], most: int) -> list[int]:
    """Shares what there is: none gets more than is wanted, and what one leaves is for the
    others."""
    wants = list(wanted)
    rooms, left = [0] * len(wants), most
    for count, place in zip(
        range(len(wants), 0, -1), sorted(range(len(wants)), key=wants.__getitem__), strict=True
    ):
        rooms[place] = min(wants[place], left // count)
        left -= rooms[place]
    return rooms
