"""When to retry a failed mailbox, and the error to report meanwhile.

Pauses protect servers, and accounts from being locked. All other failures may be repaired at any
time, so a new trip retries at once, without a pause; waiting trips pause between attempts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from exporter.config.types import SecretUnavailable
from exporter.core.model import ProbeError
from exporter.core.one_line import MAX_DETAIL, one_line
from exporter.core.reasons import Trait
from exporter.core.timing.clock import Clock
from exporter.net.sasl.conversation import NoLoginSent

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts
NEW_TRIP_PAUSE = 2.0  # the same between two attempts to connect when a new trip has come
# After a refused login: accounts get locked for many tries.
REFUSED_PAUSE, LONGEST_REFUSED_PAUSE = (60.0, 900.0)
# POP3: another client has the mailbox, most often for a moment.
IN_USE_PAUSE, LONGEST_IN_USE_PAUSE = (5.0, 60.0)
_LOGIN_DELAY = "LOGIN-DELAY"  # POP3: every try may prolong it
# Characters of a server's text, so that the times behind it are not cut off.
_MOST_WORDS = MAX_DETAIL - 100


def is_refusal(error: ProbeError) -> bool:
    """Whether the mailbox refuses us, so that waiting is pointless."""
    return Trait.REFUSES in error.reason.traits


def _protected(error: ProbeError) -> bool:
    """Whether another attempt would do harm, also for a new trip."""
    return _locks(error) or error.code == _LOGIN_DELAY


def _locks(error: ProbeError) -> bool:
    """Whether a login was sent and refused; one that was not sent (no password can be read) does
    not count."""
    return Trait.REFUSES_LOGIN in error.reason.traits and not isinstance(
        error.__cause__, NoLoginSent | SecretUnavailable
    )


@dataclass(frozen=True, slots=True)
class Trouble:
    """The failure of an attempt. Times are monotonic; those for people are wall times."""

    error: ProbeError
    at: float
    pause: float  # seconds until the next attempt, unless a new trip asks for it before
    at_wall: float
    since: float  # when the first failed of all attempts since the mailbox worked; wall time

    @property
    def next_attempt(self) -> str:
        """The time of the next attempt, for the log."""
        sooner = ", or sooner for a new trip" if self.may_be_sooner else ""
        return f"next attempt in {self.pause:.1f} s{sooner}"

    @property
    def next_at_wall(self) -> float:
        """The same, as a wall time."""
        return self.at_wall + self.pause

    @property
    def may_be_sooner(self) -> bool:
        """Whether a new trip may end the pause."""
        return not _protected(self.error)

    def __str__(self) -> str:
        """The text for the API, valid at any time."""
        until = f", next attempt not before {_time(self.next_at_wall)}"
        return (
            f"{self.error} (last attempt at {_time(self.at_wall)}"
            f"{'' if self.may_be_sooner else until})"
        )

    def error_for_trip(self, began: float = inf) -> ProbeError:
        """The error for a trip that began at that time. It says so if there was no attempt since
        then."""
        if began <= self.at and not (_protected(self.error) and not is_refusal(self.error)):
            return self.error
        last, following = _time(self.at_wall), _time(self.next_at_wall)
        why = one_line(self.error.detail, _MOST_WORDS)
        words = f"{why} (at {last}); next attempt at {following}"
        words = words if began <= self.at else f"not tried again: {words}"
        told = ProbeError(self.error.reason, words, code=self.error.code, facts=self.error.facts)
        return told.at(None, self.error.step)


class BackOff:
    """Pauses grow while attempts fail, and are short again after the mailbox has worked for a
    while."""

    def __init__(self, clock: Clock) -> None:
        self.until = 0.0  # monotonic: no attempt before
        self._clock = clock
        self._pause = 0.0
        self._last: Trouble | None = None

    def failed(self, error: ProbeError, before: Trouble | None = None) -> Trouble:
        """Records a failure, and returns it with the pause that follows. `before` is the trouble
        that the mailbox was in already."""
        now = self._clock.monotonic()
        first, longest = FIRST_PAUSE, LONGEST_PAUSE
        if Trait.TELLS_NOTHING in error.reason.traits:
            longest = FIRST_PAUSE
        if _protected(error):
            first, longest = REFUSED_PAUSE, LONGEST_REFUSED_PAUSE
        elif error.code == "IN-USE":
            first, longest = IN_USE_PAUSE, LONGEST_IN_USE_PAUSE
        if now - self.until > longest:
            self._pause = 0.0
        self._pause = min(max(self._pause * 2, first), longest)
        self.until = now + self._pause
        wall = self._clock.wall()
        since = before.since if before else wall
        self._last = Trouble(error, now, self._pause, wall, since)
        return self._last

    def protects_account(self) -> bool:
        """Whether a login was refused, and it is too early for another, also for a new trip."""
        early = self._clock.monotonic() < self.until
        return early and self._last is not None and _locks(self._last.error)

    def retry_now(self) -> None:
        """Ends the pause for a new trip, unless it protects an account or server."""
        if self._last is None or _protected(self._last.error):
            return
        of_the_server = Trait.OF_THE_SERVER in self._last.error.reason.traits
        pause = NEW_TRIP_PAUSE if of_the_server else 0.0
        self.until = min(self.until, self._last.at + pause)


def _time(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%H:%M:%S} UTC"
