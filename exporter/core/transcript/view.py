"""The transcripts of a trip, merged: the newest lines of each leg, in the order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from exporter.core.phases import Leg
from exporter.core.transcript.entries import Line
from exporter.core.transcript.transcript import MOST_LINES, Transcript

FEW_LINES = 100  # of a trip that did not fail
MOST_TEXT = 1 << 15  # characters in all of one trip
LEFT_OUT = "(earlier lines are left out)"


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """The lines of a transcript that concern one trip; for an empty trip, all of them. `mailbox` is
    the name of the one whose transcript it is."""

    transcript: Transcript
    trip: str = ""
    mailbox: str = ""


def merged_lines(
    sources: Sequence[TranscriptView | Transcript], began: float, most: int = MOST_LINES
) -> tuple[str, ...]:
    """The newest lines of each leg, in the order of time, each with the seconds since `began`, its
    leg and, if there are several mailboxes, the name of its mailbox.

    Each leg has its own space: a verbose mailbox does not displace lines of the send leg.
    """
    views = [one if isinstance(one, TranscriptView) else TranscriptView(one) for one in sources]
    titles = _titles(views)
    # One more than is shown tells that some are left out.
    lines = [view.transcript.since(began, view.trip, most + 1) for view in views]
    shown = [
        _shown(title, some[len(some) - room :], began)
        for title, some, room in zip(titles, lines, _rooms(map(len, lines), most), strict=True)
    ]
    rooms = _rooms(map(_size, shown), MOST_TEXT)
    kept = [_newest(some, room) for some, room in zip(shown, rooms, strict=True)]
    cut = [
        len(some) < len(all_of_it) or not view.transcript.is_whole_since(began)
        for some, all_of_it, view in zip(kept, lines, views, strict=True)
    ]
    if all(cut):
        return (LEFT_OUT, *_in_order(kept))
    for title, some, is_cut in zip(titles, kept, cut, strict=True):
        if is_cut and some:
            some[:0] = _shown(title, [(some[0][0], LEFT_OUT)], began)
    return tuple(_in_order(kept))


def _titles(views: Sequence[TranscriptView]) -> list[str]:
    """What each line of a view begins with, after its time; all have the same width."""
    named = len({view.mailbox for view in views if view.mailbox}) > 1
    titles = [f"{view.transcript.leg} {view.mailbox if named else ''}".strip() for view in views]
    width = max(map(len, (*titles, Leg.MAILBOX)))
    return [title.ljust(width) for title in titles]


def _shown(title: str, lines: Sequence[Line], began: float) -> list[Line]:
    return [(moment, f"{moment - began:9.3f} {title} {text}") for moment, text in lines]


def _size(lines: Sequence[Line]) -> int:
    return sum(len(text) for _, text in lines)


def _in_order(legs: Sequence[Sequence[Line]]) -> list[str]:
    return [text for _, text in sorted(chain.from_iterable(legs), key=itemgetter(0))]


def _newest(lines: list[Line], room: int) -> list[Line]:
    """The newest lines that fit, in characters."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(lines[place][1])
        if size > room:
            return lines[place + 1 :]
    return lines


def _rooms(wanted: Iterator[int], most: int) -> list[int]:
    """Divides the space: no leg gets more than it needs, and the rest goes to the others."""
    wants = list(wanted)
    rooms, left = [0] * len(wants), most
    for count, place in zip(
        range(len(wants), 0, -1), sorted(range(len(wants)), key=wants.__getitem__), strict=True
    ):
        rooms[place] = min(wants[place], left // count)
        left -= rooms[place]
    return rooms
