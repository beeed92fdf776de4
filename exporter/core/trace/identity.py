"""The identity of a trip in OpenTelemetry. It follows from the trip's public name, so that a
restart goes on with the same trace, and a page, a log line or an exemplar can name it."""

from hashlib import sha256


def trace_id(trip: str) -> bytes:
    """The trace of a trip: 16 bytes, which look random to a sampler."""
    return sha256(b"mailtrip trace\0" + trip.encode()).digest()[:16]


def span_id(trip: str, what: str) -> bytes:
    """A span in the trace of a trip: 8 bytes."""
    return sha256(f"mailtrip span\0{trip}\0{what}".encode()).digest()[:8]
