"""Limits on time, connections and memory, per client and in total."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    connections: int = 512
    # Prometheus, or a proxy, comes with many at once; other clients do not take the rest.
    per_address: int = 256
    # From connecting to the end of the first request's header, with the TLS handshake.
    header: float = 10.0
    # from an answer to the end of the next request's header; Prometheus scrapes once a minute
    idle: float = 75.0
    tls_shutdown: float = 2.0  # for the client to close TLS in order
    stalled: float = 10.0  # in which a client reads nothing of its answer
    answer: float = 60.0  # until a client has read the whole of its answer
    unread: int = 128 << 20  # of answers that are being read, what many share counted once


LIMITS = Limits()
