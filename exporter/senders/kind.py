"""The interface of all kinds of sender. No other code depends on the name of a kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from exporter.config.finding import Finding
from exporter.config.server import NetworkOptions, Ports
from exporter.core.model import Exchanger
from exporter.core.reasons import Reason
from exporter.core.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.core.trace.run import Run
    from exporter.mail.composition import ProbeMessage
    from exporter.net.dns.resolver import Resolver
    from exporter.net.mta_sts.policies import StsPolicies
    from exporter.net.oauth2 import Accounts


class Sender(Protocol):
    """Sends to one target."""

    gap: float
    """Seconds between two messages to the same destination, at least."""

    def destination(self, message: ProbeMessage) -> str:
        """The destination: the server or domain to which the rate limit applies. `check --try`
        shows it."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        """Sends the message; returns when a server is responsible for it. `run.accept()` marks that
        moment.

        Raises ProbeError. Cancelling drops the connection.
        """

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Does what `send` does, up to the envelope, which it does not send. Raises ProbeError."""


@runtime_checkable
class SendsThroughEach(Protocol):
    """A sender that can also send through one address of one exchanger."""

    async def each(self, message: ProbeMessage, run: Run) -> list[Exchanger]:
        """The exchangers of the recipient, one entry for each address. Raises ProbeError."""

    def through(self, exchanger: Exchanger) -> Sender:
        """A sender that knows no other address than this one."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """How we appear to a server that does not know us: `check --try` reports what it may object
    to."""

    ehlo_name: str
    network: NetworkOptions
    only_if_public: bool
    """Nothing is said if the server's address is private: a server of our own network knows us."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all senders share, and each kind takes of it what it needs."""

    resolver: Resolver
    accounts: Accounts  # with the tokens
    policies: StsPolicies  # what domains require of TLS


class SenderKind(Protocol):
    """The options of one kind of sender."""

    ports: ClassVar[Ports | None]
    """Those of the protocol that it speaks; None if it connects to no port.
    A kind with ports has an option `port`."""

    most_servers: ClassVar[int]
    """How many servers one message is offered to, one after the other."""

    requests_status: ClassVar[bool]
    """Whether it can ask for a notification of the delivery (RFC 3461)."""

    @property
    def steps(self) -> frozenset[Step]:
        """The steps that sending takes with these options: their series exist from the start."""

    @property
    def reasons(self) -> frozenset[Reason]:
        """Why sending with these options may fail: their counters exist from the start. Not
        `internal`: a bug is unexpected."""

    @property
    def falls_back(self) -> bool:
        """Whether a message may leave in plain text when TLS is broken."""

    @property
    def visits_each(self) -> bool:
        """Whether one message goes through each address of each exchanger (`SendsThroughEach`):
        a kind that can do that has the option `each`."""

    @property
    def gap(self) -> float | None:
        """The minimum number of seconds between two messages to the same destination."""

    @property
    def template(self) -> str:
        """The option text that names the server, perhaps with `{target}`; empty if no option names
        it."""

    @property
    def introduction(self) -> Introduction | None:
        """None if its servers know us."""

    def check_target(self, target: str) -> None:
        """Raises ValueError if the target is invalid for this sender. The text begins with the
        option's name."""

    def needs_target(self, recipient: str) -> bool:
        """Whether the server is unknown without a target. `recipient` may hold `{target}`."""

    def review(self, timeout: float) -> Iterator[Finding]:
        """Errors and likely mistakes in a module with this timeout. Paths begin at these
        options."""

    def sender(self, target: str, means: Means) -> Sender:
        """Creates a sender for this target."""
