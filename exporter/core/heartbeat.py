"""A heartbeat: a message of others that must come again and again. When the last one came, and when
the next one is due. Times in seconds since the epoch."""

from dataclasses import dataclass, replace

from exporter.core.timing.durations import in_units
from exporter.core.timing.when import utc

SHORT_GAP = 300.0  # seconds without a look that delay no verdict, besides two intervals
# Seconds: how soon a mail server tries again that could not deliver, at most (Postfix: 4000).
QUEUED = 4200.0


@dataclass(frozen=True, slots=True)
class HeartbeatKey:
    """Which messages are meant. Another pattern is another heartbeat, about which nothing is known
    yet."""

    mailbox: str
    sender: str  # a pattern
    subject: str  # a pattern

    def __str__(self) -> str:
        return f"from {self.sender}, subject {self.subject}, in {self.mailbox}"


@dataclass(frozen=True, slots=True)
class Beat:
    """One message that matched. Its texts are cleaned and cut."""

    at: float  # when it came
    sender: str
    subject: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known about a heartbeat. It outlives the process."""

    since: float  # the first look
    looked_at: float  # the newest look that had an answer
    resumed_at: float | None = None  # the first look after a long time without one
    last: Beat | None = None
    was_closed: bool = False  # in that time, since it is a receiver of our own

    def due_at(self, every: float) -> float:
        """When the next one must have come. One from before the first look was perhaps followed by
        others, which a user deleted. After a long time without a look, the verdict waits: for what
        is still queued, and with a receiver of our own, which was closed, for the next one."""
        last = self.last.at if self.last else self.since
        due = max(last, self.since) + every
        if self.resumed_at is None:
            return due
        return max(due, self.resumed_at + (every if self.was_closed else min(every, QUEUED)))

    def with_beat(self, beat: Beat) -> "Watch":
        """Knows this one, too."""
        return self if self.last and self.last.at >= beat.at else replace(self, last=beat)

    def with_look(self, now: float, interval: float, *, receives: bool) -> "Watch":
        """The mailbox has been looked into. Several probes may await the same, each with an `every`
        of its own. What is known of a time to come is from before the clock was set back."""
        last = self.last and replace(self.last, at=min(self.last.at, now))
        resumed_at = None if self.resumed_at is None else min(self.resumed_at, now)
        after = replace(
            self, since=min(self.since, now), looked_at=now, resumed_at=resumed_at, last=last
        )
        if now - self.looked_at > SHORT_GAP + 2 * interval:
            return replace(after, resumed_at=now, was_closed=receives)
        return after

    def fact(self, every: float) -> "Heartbeat":
        """What a look tells about it."""
        due_at, last = self.due_at(every), self.last
        if last is None:
            return Heartbeat(None, "", "", "", due_at, every, self.since)
        told = (last.at, last.sender, last.subject, last.folder)
        return Heartbeat(*told, due_at, every, self.since)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When a heartbeat was last seen, and when the next one is due."""

    last_at: float | None  # None: none has been seen
    sender: str  # of the last one; empty if there is none
    subject: str
    folder: str  # where it is; empty at a receiver of our own
    due_at: float
    every: float  # seconds
    since: float  # when mailtrip began to look

    def is_missing(self, now: float) -> bool:
        return now > self.due_at

    @property
    def last_in_words(self) -> tuple[str, float, str]:
        """The last one, for people: a moment, and the words before and after it."""
        if self.last_at is None:
            return "none since ", self.since, ", when mailtrip began to look"
        where = f", in {self.folder}" if self.folder else ""
        return "", self.last_at, f" from {self.sender}: {self.subject}{where}"

    def __str__(self) -> str:
        before, at, after = self.last_in_words
        return (
            f"last heartbeat: {before}{utc(at)}{after}; the next one is due by {utc(self.due_at)}"
        )

    def problem(self, now: float) -> str:
        """What is wrong, if it is missing."""
        if self.last_at is None:
            return (
                f"none has come since {utc(self.since)}, when mailtrip began to look;"
                f" one must come every {in_units(self.every)}"
            )
        return (
            f"the last one came {in_units(now - self.last_at)} ago, {utc(self.last_at)},"
            f" and one must come every {in_units(self.every)}"
        )
