"""What a row of the atlas is: how to make a fault or a disturbance, and what mailtrip has to say of
it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from exporter.core.model import Outcome
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.world import World

Changes = Mapping[str, Mapping[str, Any]]
"""What differs from the configuration that all rows share, by its parts: `{"smtp": {"port":
2525}}`. See world.py."""

Make = Callable[[World], Awaitable[Changes]]
Series = Mapping[str, float]
Course = Callable[[World], Awaitable[Series]]
"""Makes the trip, and returns the series of its probe."""


class Known(Enum):
    """How soon after its beginning a trip says that it has failed."""

    AT_ONCE = "at once"
    RESOLVER = "after `resolver.timeout`"
    SESSION = "after `session_timeout`"
    NEWS = "as soon as the message or a notification about it arrives"
    TIMEOUT = "after `timeout`"


class Lever(Enum):
    """What all rows of one kind break together, and what is put back after them."""

    NONE = auto()
    CERTIFICATES = auto()  # all servers of the lab show expired ones
    STORE = auto()  # nothing stores messages or checks the relay's passwords
    MX = auto()  # the recipients' exchanger is stopped
    QUEUE = auto()  # the exchanger takes messages and keeps them
    ALONE = auto()  # the row breaks what others use, and has the lab for itself
    PRIVILEGES = auto()  # root may not read what belongs to others


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed trip says, in the words that also stand in labels."""

    phase: Phase
    step: Step | None
    reason: Reason
    code: str
    leg: Leg | None  # None if the failure says nothing about any

    @classmethod
    def of(cls, outcome: Outcome) -> "Verdict | None":
        """None for a success. A trip that blames more than one leg has no verdict, nor has one that
        blames none, unless its reason says so."""
        if not (failure := outcome.failure):
            return None
        blamed: list[Leg | None] = [leg for leg, good in outcome.legs.items() if not good]
        (leg,) = blamed or [failure.reason.blames(failure.phase)]
        return cls(failure.phase, failure.step, failure.reason, failure.code, leg)

    def __str__(self) -> str:
        place = f"{self.phase}/{self.step}" if self.step else str(self.phase)
        return f"{place}: {self.reason} {self.code}".rstrip()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is broken."""

    name: str  # what is broken, as an administrator would say it
    made: str  # how the test makes it
    verdict: Verdict
    known: Known
    look: str  # where to look first
    make: Make = field(repr=False)
    lever: Lever = Lever.NONE
    # a part of the words for people, where they have to tell apart what has the same verdict
    says: str = ""
    # a code that only newer servers give; the verdict is that without it
    newer_code: str = ""
    # the step of the mailbox's session, whose limit is as long as the trip's and may end first
    or_step: Step | None = None


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something happens that leaves every trip a success."""

    name: str
    made: str
    does: str  # what mailtrip does about it
    course: Course = field(repr=False)
    # What else is counted than one success: late, duplicates, retries ...
    counts: frozenset[str] = frozenset()
    lever: Lever = Lever.NONE


def given(**changes: Mapping[str, Any]) -> Make:
    """A fault that is made by configuration alone; `<name>` stands for a value of the lab."""

    async def make(world: World) -> Changes:
        return {
            part: {key: world.filled(value) for key, value in options.items()}
            for part, options in changes.items()
        }

    return make


def send(step: Step | None, reason: Reason, code: str = "") -> Verdict:
    return Verdict(Phase.SEND, step, reason, code, Leg.SEND)


def opening(step: Step | None, reason: Reason, code: str = "") -> Verdict:
    return Verdict(Phase.OPEN, step, reason, code, Leg.MAILBOX)


def delivery(reason: Reason, code: str = "") -> Verdict:
    """The message was taken and has not come back as it was."""
    phase = Phase.DELIVER if reason in (Reason.OVERDUE, Reason.BOUNCED) else Phase.VERIFY
    return Verdict(phase, None, reason, code, Leg.DELIVERY)


def watching(step: Step | None, reason: Reason, code: str = "") -> Verdict:
    """The mailbox fails while the message is awaited."""
    return Verdict(Phase.DELIVER, step, reason, code, Leg.MAILBOX)


def deleting(reason: Reason, code: str = "") -> Verdict:
    return Verdict(Phase.DELETE, Step.DELETE, reason, code, Leg.MAILBOX)
