"""Log lines about a trip, written once the event that they report is on disk."""

import logging

from exporter.core.comparison.words import failure_in_words
from exporter.core.logs import about
from exporter.core.model import Outcome
from exporter.state.trip import Trip

log = logging.getLogger(__name__)


def log_message(level: int, trip: Trip, what: str, why: str) -> None:
    """Logs the fate of a trip's message. With `why` it is not on disk, and a restart may log it
    again."""
    log.log(
        level,
        "trip %s of %s: %s%s",
        trip.id,
        trip.probe,
        what,
        _not_written(why),
        extra=about(trip.id, trip.probe),
    )


def log_outcome(outcome: Outcome, why: str) -> None:
    """Logs the outcome of a trip. With `why` it is not on disk, and a restart may log it again."""
    extra = about(outcome.trip, outcome.probe, outcome.trace_id)
    more = _not_written(why)
    if outcome.failure:
        log.warning(
            "trip %s of %s failed: %s%s",
            outcome.trip,
            outcome.probe,
            failure_in_words(outcome),
            more,
            extra=extra,
        )
    else:
        duration = outcome.duration
        log.info(
            "trip %s of %s succeeded after %.2f s%s",
            outcome.trip,
            outcome.probe,
            duration,
            more,
            extra=extra,
        )


def _not_written(why: str) -> str:
    return f" (not yet in the state: {why})" if why else ""
