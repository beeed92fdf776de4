"""What has become of the traces of trips."""

from dataclasses import dataclass, field

QUEUE_FULL, REJECTED = "queue_full", "rejected"
DROPPED = (QUEUE_FULL, REJECTED)
"""Why traces are dropped: too many waited, or the collector has not taken them."""


@dataclass(slots=True)
class TraceStatus:
    """How many traces the collector has taken, and how many were dropped."""

    exported: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DROPPED, 0))
