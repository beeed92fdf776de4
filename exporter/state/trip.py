"""A trip in the state: its message may be in transit."""

from dataclasses import dataclass, replace
from enum import StrEnum

from exporter.core.home import Home
from exporter.core.model import Fact, Outcome, ProbeKey


class State(StrEnum):
    """The state of a trip's message."""

    LEAVING = "leaving"  # it may or may not have left
    SENT = "sent"  # accepted by a server; awaited
    FOUND = "found"  # seen in the mailbox; perhaps not deleted yet
    OVERDUE = "overdue"  # not back in time; still known, so that it can come late
    FAILED = "failed"  # the trip failed otherwise; if the message comes, it is only cleaned away
    UNWANTED = "unwanted"  # not seen, as expected; still known, so that it can be told if it comes
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Moment:
    """The time on all our clocks, in seconds. Monotonic times are comparable within one `boot`."""

    boot: str  # empty if the machine does not tell
    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip and the state of its message. Times: `*_at` seconds since the epoch; others monotonic
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
    home: Home = Home.MESSAGE  # what comes home

    @property
    def expires(self) -> float:
        """When its message counts as lost, monotonic, so that setting the wall clock has no
        effect."""
        return self.started + (self.expires_at - self.started_at)

    def in_this_boot(self, now: Moment, grace: float) -> "Trip":
        """The trip with its times on the monotonic clock of this boot.

        Only the wall clock shows how long the machine was down, and it may be wrong: it is used,
        but at least `grace` seconds remain. No duration can be measured across a boot.
        """
        if self.boot == now.boot and now.boot:
            return self
        ago = max(0.0, min(now.wall - self.started_at, self.expires_at - self.started_at - grace))
        return replace(
            self, boot=now.boot, started=now.monotonic - ago, sending_since=None, accepted=None
        )
