"""Where messages are awaited. A protocol file knows how to open a session, to yield new messages
and to delete some.

Everything else (sharing one session among many trips, matching, reconnecting, settling late mail)
is the watcher's.
"""

from asyncio import Event
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from exporter.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Precision:
    """How far a delay that is told may be off: by so many seconds or by that share of it, whichever
    is more."""

    seconds: float
    share: float


READ_LIMIT = 65536  # bytes of a message that are read
FINE = Precision(0.1, 0.05)
COARSE = Precision(1.0, 0.1)  # where every look takes a login


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message that a session has seen for the first time."""

    ref: Any  # how the session names it: a UID, a path
    folder: str
    raw: bytes  # the header and as much of the body as was read
    seen_at: float  # monotonic seconds
    # The session was watching when the message came, so `seen_at` tells when that was.
    watched: bool
    # Seconds by which it may have been seen late on top of the time between two scans.
    lag: float = 0.0
    precision: Precision = FINE
    junk: bool = False  # it was found in the folder for spam
    cut: bool = False  # the message goes on behind what was read

    def delay_since(self, moment: float | None) -> float | None:
        """Seconds from a monotonic moment to seen; None unless that is known as well as `precision`
        wants it."""
        if moment is None or not self.watched:
            return None
        # Our SMTP receiver sees a message before it says 250.
        delay = max(self.seen_at - moment, 0.0)
        lag = min(self.lag, delay)  # it cannot have come before that moment
        return delay if lag <= max(self.precision.seconds, self.precision.share * delay) else None


class Session(Protocol):
    """An open mailbox. One caller at a time; every failure is a ProbeError and ends the session."""

    messages: int | None
    """How many messages the mailbox holds, ours and others'; None while unknown."""

    async def scan(self) -> list[Sighting]:
        """The messages that came since the last scan. The first scan may also yield older ones, not
        watched."""

    async def wait(self, seconds: float, wake: Event) -> None:
        """Returns after that time, sooner when messages may have come, at once when `wake` is or
        becomes set."""

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages, and returns when the server has said so."""

    async def close(self) -> None:
        """Parts politely (LOGOUT, QUIT). Never raises ProbeError: what it could not do is the
        server's loss."""

    def abort(self) -> None:
        """Drops the connection at once. May be called at any time, also twice."""


@runtime_checkable
class Rechecking(Protocol):
    """A session that usually relies on what the server announces."""

    def recheck(self) -> None:
        """The next scan does not: a trip is about to fail because nothing was announced."""


@runtime_checkable
class ScanLimited(Protocol):
    """A session that may not look into the mailbox as often as it is asked to."""

    @property
    def last_scan_at(self) -> float:
        """When it last did, in monotonic seconds: what came later has not been seen."""

    @property
    def next_scan_at(self) -> float:
        """When it may do so again."""

    @property
    def scan_limit(self) -> str:
        """Who does not allow more, and how much."""


@runtime_checkable
class ReportsUnreadable(Protocol):
    """A session that meets messages which it cannot read."""

    def unreadable_since(self, moment: float) -> str:
        """Why a message that came at that monotonic time or later could not be read; empty if all
        of them could."""


@runtime_checkable
class Rereading(Protocol):
    """A session whose server may show a message before all of it is there."""

    def read_again(self, sighting: Sighting, times: int) -> bool:
        """A later scan yields it once more. False if it was read so many times already, and is
        taken as it is."""


Wanted = Callable[[bytes], Awaitable[bool]]
"""Whether a message is ours, by what was read of it."""


class Mailbox(Protocol):
    """A configured mailbox."""

    listens: bool
    """True for a receiver that others deliver to: its session stays open even when no trip
    waits."""

    async def open(self, trace: Trace, wanted: Wanted) -> Session:
        """Opens a session, its steps timed by `trace`, which the session keeps for its clock, its
        spans and its transcript.

        A receiver asks `wanted` about a message before it takes responsibility for it, and POP3
        before it deletes one by a name that may have gone over to another; others have no say.
        """
