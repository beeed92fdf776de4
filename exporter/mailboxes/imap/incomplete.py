"""Messages that seemed incomplete and are read again a few times. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.mailboxes.session import Sighting

# Seconds until a message is read again; each pause is twice as long as the one before.
FIRST_PAUSE = 0.25
MOST = 20  # messages at a time


@dataclass
class _Open:
    sighting: Sighting
    due_at: float


class IncompleteMessages:
    """The messages to read again, and when. `at` and `now` are on the same clock, in seconds."""

    def __init__(self) -> None:
        self._open: dict[object, _Open] = {}  # by how the session names a message
        self._readings: dict[object, int] = {}

    def take(self, sighting: Sighting, times: int, now: float) -> bool:
        """Whether this message is read again, at most so many `times`."""
        done = self._readings.get(_name(sighting), 1)
        if done >= times or len(self._open) >= MOST:
            self._readings.pop(_name(sighting), None)
            return False
        self._readings[_name(sighting)] = done + 1
        self._open[_name(sighting)] = _Open(sighting, now + FIRST_PAUSE * 2 ** (done - 1))
        return True

    def due(self, now: float, folder: str, *, all_of_them: bool = False) -> list[Sighting]:
        """The messages to read now in that folder."""
        return [
            one.sighting
            for one in self._open.values()
            if one.sighting.folder == folder and (all_of_them or one.due_at <= now)
        ]

    def seconds(self, now: float) -> float:
        """Until the next message is due; infinite if there is none."""
        return max(
            min((one.due_at for one in self._open.values()), default=float("inf")) - now, 0.0
        )

    def read(self, due: Iterable[Sighting], found: Iterable[Sighting]) -> list[Sighting]:
        """Takes the messages `found` of those `due`. Those that could not be read stay
        unchanged."""
        raws = {_name(sighting): sighting for sighting in found}
        told = []
        for sighting in due:
            self._open.pop(_name(sighting), None)
            newest = raws.get(_name(sighting), sighting)
            told.append(replace(sighting, raw=newest.raw, cut=newest.cut))
        return told


def _name(sighting: Sighting) -> object:
    return sighting.folder, sighting.ref
