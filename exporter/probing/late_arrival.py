"""What a message shows that comes after its trip has failed as overdue."""

from exporter.core.facts import LateArrival
from exporter.core.model import MAX_FOLDER
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.mail.headers.received import hops
from exporter.mail.headers.shown import shown
from exporter.mail.message import headers, received
from exporter.mail.mime import Part
from exporter.mailboxes.watcher.strays import Stray
from exporter.state.trip import Trip


def late_arrival(trip: Trip, stray: Stray, message: Part, clock: Clock) -> LateArrival:
    """When and where the parsed `message` of an overdue trip was found, and how it came."""
    sighting, word = stray.sighting, stray.token.word
    at = clock.wall() - max(clock.monotonic() - sighting.seen_at, 0.0)
    sent_at, took = trip.started_at, max(at - trip.started_at, 0.0)
    if trip.sending_since is not None:
        sent_at += trip.sending_since - trip.started
        took = sighting.seen_at - trip.sending_since
    return LateArrival(
        at=at,
        delay=sighting.delay_since(trip.accepted, clock, trip.sending_since),
        folder=one_line(sighting.folder, MAX_FOLDER),
        hops=tuple(hops(received(message, word), sent_at, took)),
        headers=shown(headers(message, word)),
    )
