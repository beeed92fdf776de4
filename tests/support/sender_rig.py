"""What the contract asks of a rig: a sender, and somebody who receives what it sends and
misbehaves on demand."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.mta_sts.policy import HTTPS
from exporter.net.oauth2 import Accounts
from exporter.senders import SendOptions
from exporter.senders.kind import Means, Sender
from tests.support.sending import RECIPIENT
from tests.support.smtp_witness import Received


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, and what a sender has to make of it."""

    name: str
    how: Any  # for the rig alone
    step: Step
    reason: Reason
    code: str = ""
    uncertain: bool = False  # nobody knows whether the message was taken


class Hold(Protocol):
    """Somebody who waits in the middle of a conversation until the test lets go."""

    async def reached(self) -> None: ...
    def release(self) -> None: ...


class SenderRig(Protocol):
    """A sender and its receiver."""

    @property
    def sender(self) -> Sender: ...

    @property
    def received(self) -> Sequence[Received]:
        """What the receiver has been given, whatever it answered; raw as in RFC 5322, with CRLF."""

    def misbehave(self, trouble: Trouble) -> None: ...
    def behave(self) -> None: ...

    def hold(self, stage: str, clients: int = 1) -> Hold:
        """The receiver will wait at this stage; `reached` when so many clients are there."""

    async def ended(self) -> None:
        """Returns when the receiver is alone."""


@dataclass(frozen=True)
class Kind:
    """How one kind of sender is proven."""

    rig: Callable[[], AbstractAsyncContextManager[SenderRig]]
    steps: tuple[Step, ...]  # of a success
    stages: tuple[str, ...]  # where the receiver can be held, up to its verdict
    afterwards: tuple[str, ...]  # where it can be held when it has the message, and has said so
    # Those of them where the whole message has left, and no verdict has come.
    uncertain: tuple[str, ...]
    troubles: tuple[Trouble, ...]


def make_sender(
    kind: str, options: dict[str, Any], resolver: Resolver, https: int = HTTPS
) -> Sender:
    how = SendOptions.model_validate({kind: options}).how
    return how.sender(RECIPIENT, means(resolver, https))


def means(resolver: Resolver, https: int = HTTPS) -> Means:
    """What senders share, in its first state; policies are downloaded from the port `https`."""
    return Means(resolver, Accounts(), StsPolicies(resolver, Clock(), port=https))
