"""Throttling: Graph says with 429 or 503 when it wants the next request (Retry-After).

The limits are for each application and mailbox: 10,000 requests in 10 minutes, four at a time
(Microsoft Graph, service-specific throttling limits).
"""

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.http.retry_after import retry_after

BUSY = frozenset({429, 503})
USUAL_WAIT = 10.0  # seconds, after a 429 that does not say how long
LONGEST_WAIT = 86400.0
PATIENCE = 5.0  # seconds that a request waits; after more it fails


def wanted_pause(status: int, header: str, now: float) -> float | None:
    """Seconds until the next request is wanted; None if the status or the server says nothing of
    that. `header` is Retry-After, `now` a wall time."""
    if status not in BUSY:
        return None
    wait = retry_after(header, now)
    if wait is None:
        return USUAL_WAIT if status == 429 else None
    return min(max(wait, 1.0), LONGEST_WAIT)


class Throttle:
    """What one mailbox was told. Times are monotonic."""

    def __init__(self) -> None:
        self.until = 0.0
        self._asked = 0.0

    def postpone(self, now: float, seconds: float) -> None:
        """No request for so many seconds."""
        self.until, self._asked = max(self.until, now + seconds), seconds

    def wait_before(self, now: float) -> float:
        """Seconds until a request may be made. Raises ProbeError (unavailable) if that is long."""
        wait = max(self.until - now, 0.0)
        if wait > PATIENCE:
            detail = f"throttled: {self}; the next request is possible in {wait:.0f} s"
            raise ProbeError(Reason.UNAVAILABLE, detail, code=429)
        return wait

    def __str__(self) -> str:
        return f"Microsoft Graph asked to wait {self._asked:.0f} s (Retry-After)"
