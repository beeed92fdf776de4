"""The messages of a maildrop, as the answers to UIDL name them.

Each login lists all of them, and there may be a hundred thousand. So only the part of an answer is
read that differs from the answer before, and in turns.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice

from exporter.core.timing.fairness import in_turns
from exporter.net.pop3.reply import UniqueIds, lines_in

MOST_MESSAGES = 200_000
AT_A_TIME = 500  # lines that are read before others have their turn: a millisecond of work
SHORT = 16 << 10  # bytes at the end of an answer that are read in one turn
_PLAIN = re.compile(rb"([1-9][0-9]{0,9}) ([!-~]{1,70})")  # RFC 1939 section 7


@dataclass(frozen=True, slots=True)
class Changes:
    """What an answer changes, by unique id."""

    added: Sequence[str]
    removed: Set[str]
    before: int  # ids that there were
    odd: Sequence[bytes] = ()  # lines that were ignored


class TooMany(Exception):
    """The answer lists too many messages."""


class Listing:
    """The newest answer. One caller at a time; an update that is cancelled or fails changes
    nothing."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # by unique id, in the server's order
        self.repeated: dict[str, list[int]] = {}  # other messages with an id, which is not unique
        self._raw = b""
        # One line for each message, numbered without gaps, each with one word, which is its id.
        self._is_plain = True

    def __len__(self) -> int:
        """The number of messages."""
        return len(self.numbers) + sum(map(len, self.repeated.values()))

    def all_of(self, uid: str) -> list[int]:
        """The numbers of the messages with this id."""
        last = self.numbers.get(uid)
        return [] if last is None else [*self.repeated.get(uid, ()), last]

    async def update(self, raw: bytes) -> Changes:
        """Takes another answer. Raises TooMany, and ValueError with a line if no line is valid."""
        kept = _same_lines(self._raw, raw)
        gone = self._raw.count(b"\n", kept)
        if self._is_plain and kept and len(raw) - kept <= SHORT and gone <= AT_A_TIME:
            found = _plain_ids(raw[kept:], len(self.numbers) - gone + 1)
            last = set(islice(reversed(self.numbers), gone))
            if found is not None and all(uid in last or uid not in self.numbers for uid in found):
                return self._append(raw, found, gone)
        return await self._replace(raw)

    def _append(self, raw: bytes, found: list[str], gone: int) -> Changes:
        """Replaces the last messages."""
        before = len(self.numbers)
        last = {self.numbers.popitem()[0] for _ in range(gone)}
        first = len(self.numbers) + 1
        self.numbers.update((uid, number) for number, uid in enumerate(found, first))
        self._raw = raw
        added = [uid for uid in found if uid not in last]
        return Changes(added, last.difference(found), before)

    async def _replace(self, raw: bytes) -> Changes:
        """Replaces all messages."""
        ids = UniqueIds()
        async for line in in_turns(_counted(raw), AT_A_TIME):
            ids.add(line)
        numbers: dict[str, int] = {}
        repeated: dict[str, list[int]] = {}
        added: list[str] = []
        is_plain = not ids.odd
        async for number, uid in in_turns(ids.found(), AT_A_TIME):
            if uid in numbers:
                repeated.setdefault(uid, []).append(numbers[uid])
            elif uid not in self.numbers:
                added.append(uid)
            numbers[uid] = number
            is_plain = is_plain and number == len(numbers)
        old = self.numbers
        removed = {uid async for uid in in_turns(old, AT_A_TIME) if uid not in numbers}
        self.numbers, self.repeated, self._raw = numbers, repeated, raw
        self._is_plain = is_plain
        return Changes(added, removed, len(old), tuple(ids.odd))


def _counted(raw: bytes) -> Iterator[bytes]:
    for number, line in enumerate(lines_in(raw)):
        if number >= MOST_MESSAGES:
            raise TooMany
        yield line


def _plain_ids(raw: bytes, first: int) -> list[str] | None:
    """The unique ids in these lines if each line names the next message with one word, and no id
    twice."""
    found: dict[str, None] = {}
    for number, line in enumerate(lines_in(raw), first):
        match = _PLAIN.fullmatch(line)
        if not match or int(match[1]) != number:
            return None
        found[match[2].decode("latin-1")] = None
    return [*found] if len(found) == raw.count(b"\n") else None


def _same_lines(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same, up to the end of a line."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return one.rfind(b"\n", 0, low) + 1
