"""Selects the connection to drop when there are too many, or too much unread data."""

from collections import Counter
from collections.abc import Collection, Iterable

from exporter.metrics.text import Text
from exporter.web.connection import Connection
from exporter.web.progress import State

_FIRST_TO_GO = (State.NEW, State.STALLED, State.IDLE)


def busiest_client(connections: Iterable[Connection]) -> str:
    """The client address with the most of these connections."""
    return Counter(one.client for one in connections).most_common(1)[0][0]


def least_missed(
    connections: Iterable[Connection], *, also_answering: bool = False
) -> Connection | None:
    """The first of these in the state to drop first; None if none may be dropped. Pass the longest
    idle one first."""
    connections = list(connections)
    for state in (*_FIRST_TO_GO, State.ANSWERING) if also_answering else _FIRST_TO_GO:
        if longest := next((one for one in connections if one.progress.state is state), None):
            return longest
    return None


def oldest_unread(
    connections: Collection[Connection], limit: int, newest: Text
) -> Connection | None:
    """The oldest unread answer of the client with the most of them; None if their total is within
    the limit, counting a shared answer once, or if only `newest` is left."""
    reading = [one for one in connections if one.progress.answer]
    sizes = {id(one.progress.answer): one.progress.answer.memory for one in reading}
    others = [one for one in reading if one.progress.answer is not newest]
    if sum(sizes.values()) <= limit or not others:
        return None
    busiest = busiest_client(reading)
    theirs = [one for one in others if one.client == busiest]
    return min(theirs or others, key=lambda one: one.progress.since)
