"""A trip as the state knows it: one whose message may be in transit."""

from dataclasses import dataclass, replace
from enum import StrEnum

from exporter.core.model import Fact, Outcome, ProbeKey


class State(StrEnum):
    """What is known of a trip's message."""

    LEAVING = "leaving"  # it may or may not have left
    SENT = "sent"  # accepted by a server; awaited
    FOUND = "found"  # seen in the mailbox; perhaps not deleted yet
    OVERDUE = "overdue"  # not back in time; still known, so that it can come late
    FAILED = "failed"  # the trip failed otherwise; if the message comes, it is only cleaned away
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Moment:
    """The time by all our clocks, in seconds: `boot` names the period in which monotonic times may
    be compared."""

    boot: str  # empty if the machine does not tell
    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip, and what is known of its message. Times: `*_at` seconds since the epoch; the others monotonic
    within `boot`."""

    id: str
    probe: ProbeKey
    mailbox: str
    state: State
    started_at: float
    boot: str
    started: float
    expires_at: float
    sending_since: float | None = None
    accepted: float | None = None
    verdict: Outcome | None = None  # of a trip whose message was found, as far as it had come then
    facts: tuple[Fact, ...] = ()  # of one whose message was accepted: what the sending has taught

    @property
    def expires(self) -> float:
        """When its message is lost, monotonic: the wall clock may be set meanwhile, and no time
        passes by that."""
        return self.started + (self.expires_at - self.started_at)

    def in_this_boot(self, now: Moment, grace: float) -> "Trip":
        """The same by the monotonic clock of this boot.

        How long the machine was away only the wall clock can say, which may be wrong: it is
        used, but `grace` seconds are left in any case. Nothing can be measured over a boot.
        """
        if self.boot == now.boot and now.boot:
            return self
        ago = max(0.0, min(now.wall - self.started_at, self.expires_at - self.started_at - grace))
        return replace(
            self, boot=now.boot, started=now.monotonic - ago, sending_since=None, accepted=None
        )
