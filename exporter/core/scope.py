"""What can happen in the trips of a probe, and how they can fail: these series exist from the
start. An unexpected failure or step gets its series when it happens."""

from dataclasses import dataclass, field

from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step


@dataclass(frozen=True, slots=True)
class RoundTripScope:
    """What the sender and the mailbox of a probe can do."""

    sending: frozenset[Step] = frozenset()
    mailbox: frozenset[Step] = frozenset()
    failures: tuple[tuple[Phase, Reason], ...] = ()
    looks: bool = False
    """Whether its messages are looked for in a mailbox, be it to prove that they do not come."""
    sorts_junk: bool = False
    """Whether its messages may be filed as spam."""
    falls_back: bool = False
    """Whether its messages may be sent in plain text when TLS is broken."""
    visits_each: bool = False
    """Whether a message goes through each exchanger."""
    required: tuple[str, ...] = ()
    """The methods that must authenticate the sender."""
    mailboxes: tuple[str, ...] = field(default=(), hash=False)
    """The mailboxes in which it awaits messages and bounces, by name."""
    sender: object = field(default=None, hash=False, repr=False)
    receiver: object = field(default=None, hash=False, repr=False)
    """The options of the sender and of the mailbox. If they change, what is known about the servers
    does not hold any more."""
    timeout: float = field(default=0.0, compare=False)
    """Seconds for a trip."""

    @property
    def arrives(self) -> bool:
        """Whether its messages are awaited in a mailbox, and should come."""
        return (Phase.DELIVER, Reason.OVERDUE) in self.failures

    @property
    def bounces(self) -> bool:
        """Whether a bounce would come to a mailbox of ours."""
        return (Phase.DELIVER, Reason.BOUNCED) in self.failures

    @property
    def retries(self) -> bool:
        """Whether a deferred message is sent again."""
        return Step.RETRY in self.sending


@dataclass(frozen=True, slots=True)
class BlocklistScope:
    """The blocklists that a probe queries."""

    blocklists: tuple[str, ...]
    timeout: float = field(default=0.0, compare=False)
    """Seconds for all queries."""


@dataclass(frozen=True, slots=True)
class HeartbeatScope:
    """Where the heartbeat of a probe is awaited."""

    mailbox: str
    failures: tuple[tuple[Phase, Reason], ...] = ()
    timeout: float = field(default=0.0, compare=False)


Scope = RoundTripScope | BlocklistScope | HeartbeatScope
