"""Isolates bugs in code that runs next to a trip."""

import logging

from exporter.core.logs import about
from exporter.core.model import ProbeKey
from exporter.state.commit_callbacks import Tell

log = logging.getLogger(__name__)


def contained(trip: str, probe: ProbeKey, otherwise: Tell | None = None) -> "Containment":
    """Logs any exception of its block as a bug; the trip's outcome does not change. Calls
    `otherwise` then."""
    return Containment(trip, probe, otherwise)


class Containment:
    """A block whose bugs are contained. It is not a generator, since a trip has a dozen of them."""

    __slots__ = ("_otherwise", "_probe", "_trip")

    def __init__(self, trip: str, probe: ProbeKey, otherwise: Tell | None) -> None:
        self._trip = trip
        self._probe = probe
        self._otherwise = otherwise

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, Exception):
            return False
        trip, probe = self._trip, self._probe
        log.error(
            "trip %s of %s: a bug in mailtrip",
            trip,
            probe,
            exc_info=error,
            extra=about(trip, probe),
        )
        if self._otherwise:
            self._otherwise("a bug in mailtrip")
        return True
