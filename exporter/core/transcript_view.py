"""The transcripts of a trip, merged: the newest lines of each leg, in the order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from exporter.core.transcript import MOST_LINES, Line, Transcript

FEW_LINES = 100  # of a trip that did not fail
MOST_TEXT = 1 << 15  # characters in all of one trip
LEFT_OUT = "(earlier lines are left out)"


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

    Each leg has its own space: a verbose mailbox does not displace lines of the send leg.
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
    """The newest lines that fit, in characters."""
    size = 0
    for place in range(len(lines) - 1, -1, -1):
        size += len(_text(lines[place], began))
        if size > room:
            return list(lines[place + 1 :])
    return list(lines)


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
