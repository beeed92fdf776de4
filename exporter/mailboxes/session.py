"""The interface of mailbox sessions. Each protocol's file can open a session, return new messages
and delete some.

The watcher does everything else: sharing one session among trips, matching, reconnecting, late
mail.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from exporter.core.timing.precision import FINE, Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.core.facts import Client
    from exporter.core.model import ProbeError
    from exporter.core.timing.clock import Clock
    from exporter.core.timing.wake import Wake
    from exporter.core.trace.trace import Trace

READ_LIMIT = 65536  # bytes of a message that are read
# of one of ours with files in it, if it is read as a whole: 10 MiB in base64, and headers
WHOLE_LIMIT = 15 << 20


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
    cut: bool = False  # the message continues after the part that was read
    client: Client | None = None  # who delivered it to us, if we are the receiver
    arrived_at: float | None = None  # when the mailbox says that it came, Unix time

    def delay_since(
        self, moment: float | None, clock: Clock, sending_since: float | None = None
    ) -> float | None:
        """Seconds from a monotonic time until it was seen; None if this is less precise than
        `precision`, also because we were late ourselves at its beginning or its end.

        Both came after `sending_since`, if that is known: how late we were before does not matter.
        """
        if moment is None or not self.watched:
            return None
        # Our SMTP receiver sees a message before it says 250.
        delay = max(self.seen_at - moment, 0.0)
        bound = self.precision.bound(delay)
        lag = min(self.lag, delay)  # it cannot have come before that moment
        # One of them shortens it, the other lengthens it. Twice the bound shows whether it is more.
        first = -inf if sending_since is None else sending_since
        ours = max(clock.late(max(end - 2 * bound, first), end) for end in (moment, self.seen_at))
        return delay if lag + ours <= bound else None


class Session(Protocol):
    """An open mailbox. One caller at a time; a failure is a ProbeError and ends the session."""

    messages: int | None
    """How many messages the mailbox holds, ours and others'; None while unknown."""

    async def scan(self) -> list[Sighting]:
        """The messages since the last scan. The first scan may also return older ones, which are
        not watched."""

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Returns after that time, earlier when messages may have arrived, at once when `wake` is
        set."""

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages, and returns when the server has confirmed it."""

    async def close(self) -> None:
        """Ends the session properly (LOGOUT, QUIT). Never raises ProbeError."""

    def abort(self) -> None:
        """Drops the connection at once. May be called at any time, also twice."""


class Rechecking(ABC):
    """A session that usually relies on the server's announcements."""

    @abstractmethod
    def recheck(self) -> None:
        """Makes the next scan poll instead: a trip is about to fail without an announcement."""


class ScanLimited(ABC):
    """A session that may not poll the mailbox as often as requested."""

    @property
    @abstractmethod
    def last_scan_at(self) -> float:
        """The time of the last poll, monotonic: later messages have not been seen."""

    @property
    @abstractmethod
    def next_scan_at(self) -> float:
        """When it may poll again."""

    @property
    @abstractmethod
    def scan_limit(self) -> str:
        """What limits the polls, and to which rate."""


class ReportsUnreadable(ABC):
    """A session that may find messages which it cannot read."""

    @abstractmethod
    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived at that monotonic time or later could not be read; None if all
        could."""


class Rereading(ABC):
    """A session whose server may show a message before it is complete."""

    @abstractmethod
    def read_again(self, sighting: Sighting, times: int) -> bool:
        """Makes a later scan return it again. False if it was read often enough, and is accepted as
        it is."""


class ReadsWhole(ABC):
    """A session that can read a message as a whole, of which it has read only the beginning."""

    @abstractmethod
    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The message, or `limit` bytes of it; empty if it is gone. Raises ProbeError."""


class TellsTab(ABC):
    """A session whose mailbox may show its inbox under several tabs."""

    has_tabs: bool

    @abstractmethod
    async def tab(self, sighting: Sighting) -> str:
        """The tab of this message, a word of the provider; empty if there is none. Raises
        ProbeError."""


@dataclass(slots=True)
class Extent:
    """What a session reads of each message."""

    dated: bool = False  # also when the mailbox says that it came (`Sighting.arrived_at`)
    only_header: bool = False  # nothing of the body: no message of ours is awaited


class HasExtent:
    """A session whose limit for reading a message can be set."""

    extent: Extent


class ReadsInParts(ABC):
    """A session that may read only some of the messages in one scan."""

    @property
    @abstractmethod
    def unread(self) -> bool:
        """Whether it knows of messages that another scan will read."""


Wanted = Callable[[bytes], Awaitable[bool]]
"""Whether a message is wanted, by what was read of it: it is ours, or a heartbeat."""


class Mailbox(Protocol):
    """A configured mailbox."""

    listens: bool
    """True for a receiver that others deliver to: its session stays open even when no trip
    waits."""

    async def open(self, trace: Trace, wanted: Wanted) -> Session:
        """Opens a session. `trace` times its steps; the session keeps it for its clock, spans and
        transcript.

        A receiver calls `wanted` before it accepts a message, POP3 before it deletes one whose id
        may have been reused, and IMAP on a server without UIDVALIDITY; other kinds do not.
        """
