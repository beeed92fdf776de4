"""Messages with a valid token that belong to no known trip."""

import logging

from exporter.core.logs import about
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Token
from exporter.probing.passed_time import PassedTime

log = logging.getLogger(__name__)

LEFT_OVER_AFTER = 3600.0  # seconds
MOST_LEFT_ALONE = 1000  # messages of others, of which we know for how long we have left them alone


class LeftOvers:
    """A message may belong to another process with our key, which needs time to find it."""

    def __init__(self, clock: Clock, passed: PassedTime) -> None:
        self._clock = clock
        self._passed = passed
        self._left_alone: dict[str, float] = {}  # since when, monotonic

    def pause(self, token: Token) -> float:
        """Seconds until such a message is deleted: one hour of elapsed time."""
        now = self._passed.now()
        since = self._left_alone.setdefault(token.trip, now.monotonic)
        # One of the two clocks is that of who minted it.
        age = min(now.wall, self._clock.wall()) - token.minted_at
        pause = LEFT_OVER_AFTER - max(age, now.monotonic - since, 0.0)
        if pause <= 0:
            del self._left_alone[token.trip]
            log.info(
                "trip %s: deleting its leftover message",
                token.trip,
                extra=about(token.trip),
            )
        elif len(self._left_alone) > MOST_LEFT_ALONE:
            del self._left_alone[next(iter(self._left_alone))]
        return pause
