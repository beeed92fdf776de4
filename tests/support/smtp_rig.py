"""The rigs of the senders that speak SMTP: a witness, found by its name or through an MX
record."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.support.name_server import names
from tests.support.sender_rig import Hold, Kind, Trouble, make_sender
from tests.support.smtp_witness import (
    BARE,
    Cut,
    Drip,
    Freeze,
    Received,
    Reply,
    SmtpWitness,
    Stage,
    Wait,
    witness,
)

ZONE = {
    "example.test": {"MX": ["10 mx.example.test."]},
    "mx.example.test": {"A": ["127.0.0.1"]},
}
STEPS = (Step.CONNECT, Step.GREETING, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA)
STAGES = (Stage.GREETING, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)
STEP_OF = {stage: Step[stage.value.upper()] for stage in STAGES if stage is not Stage.DOT} | {
    Stage.DOT: Step.DATA
}

REFUSALS = [
    (Stage.GREETING, "421 4.3.2 too busy", Reason.UNAVAILABLE),
    (Stage.GREETING, "450 4.7.1 not you, not now", Reason.UNAVAILABLE),
    (Stage.GREETING, "554 5.7.1 not you", Reason.REJECTED),
    (Stage.EHLO, "421 4.3.2 shutting down", Reason.UNAVAILABLE),
    (Stage.EHLO, "550 5.7.1 I do not like your name", Reason.REJECTED),
    (Stage.MAIL, "421 4.3.2 shutting down", Reason.UNAVAILABLE),
    (Stage.MAIL, "451 4.3.0 try again", Reason.DEFERRED),
    (Stage.MAIL, "452 4.3.1 no room on the disk", Reason.DEFERRED),
    (Stage.MAIL, "530 5.7.0 authentication required", Reason.AUTH),
    (Stage.MAIL, "550 5.1.8 no such sender", Reason.REJECTED),
    (Stage.MAIL, "552 5.3.4 too large", Reason.REJECTED),
    (Stage.RCPT, "421 4.7.0 too many", Reason.UNAVAILABLE),
    (Stage.RCPT, "450 4.2.0 greylisted", Reason.DEFERRED),
    (Stage.RCPT, "451 4.7.1 try again", Reason.DEFERRED),
    (Stage.RCPT, "452 4.2.2 mailbox full", Reason.MAILBOX_FULL),
    (Stage.RCPT, "550 5.1.1 no such user", Reason.REJECTED),
    (Stage.RCPT, "551 not here", Reason.REJECTED),
    (Stage.RCPT, "552 5.2.2 mailbox full", Reason.MAILBOX_FULL),
    (Stage.RCPT, "556 5.1.10 takes no mail", Reason.REJECTED),
    (Stage.RCPT, "553 5.1.3 Empf\udce4nger in Latin-1", Reason.REJECTED),
    (Stage.DATA, "421 4.3.2 shutting down", Reason.UNAVAILABLE),
    (Stage.DATA, "451 4.3.0 queue file write error", Reason.DEFERRED),
    (Stage.DATA, "554 5.5.1 no valid recipients", Reason.REJECTED),
    (Stage.DOT, "421 4.3.2 shutting down", Reason.UNAVAILABLE),
    (Stage.DOT, "451 4.7.1 try again", Reason.DEFERRED),
    (Stage.DOT, "452 4.3.1 no room on the disk", Reason.DEFERRED),
    (Stage.DOT, "550 5.7.1 looks like spam", Reason.REJECTED),
    (Stage.DOT, "552 quota exceeded", Reason.MAILBOX_FULL),
    (Stage.DOT, "554 5.6.0 refused", Reason.REJECTED),
]
LOSSES = [
    ("cut", Cut(), Reason.DISCONNECTED),
    ("reset", Cut(reset=True), Reason.DISCONNECTED),
    ("frozen", Freeze(), Reason.TIMEOUT),
    ("nonsense", Reply("what was that?"), Reason.PROTOCOL),
]


def troubles() -> tuple[Trouble, ...]:
    refusals = [
        Trouble(f"{words[:9]} at {stage}", (stage, Reply(words)), STEP_OF[stage], reason, words[:3])
        for stage, words, reason in REFUSALS
    ]
    losses = [
        Trouble(
            f"{name} at {stage}", (stage, act), STEP_OF[stage], reason, uncertain=stage is Stage.DOT
        )
        for stage in STAGES
        for name, act, reason in LOSSES
    ]
    drip = (Stage.EHLO, Drip())
    return (
        Trouble("dripping", drip, Step.EHLO, Reason.TIMEOUT),
        Trouble("gone", "gone", Step.CONNECT, Reason.CONNECT),
        Trouble("frozen at connect", "full", Step.CONNECT, Reason.TIMEOUT),
        Trouble("frozen at resolve", "silent names", Step.RESOLVE, Reason.TIMEOUT),
        *refusals,
        *losses,
    )


class SmtpRig:
    """A sender and its witness."""

    def __init__(
        self, make: Callable[[int, Resolver], Sender], witness: SmtpWitness, stack: AsyncExitStack
    ) -> None:
        self.sender: Sender
        self.witness = witness
        self._make = make
        self._stack = stack

    async def open(self) -> None:
        self._resolver = await self._stack.enter_async_context(names(ZONE))
        self._silent = await self._stack.enter_async_context(names(ZONE, silent=True))
        self._gone = self._stack.enter_context(nobody(listens=False))
        self._full = self._stack.enter_context(nobody(listens=True))
        self.sender = self._make(self.witness.port, self._resolver)

    @property
    def received(self) -> Sequence[Received]:
        assert not BARE.search(self.witness.wire)
        return self.witness.received

    def behave(self) -> None:
        self.witness.behave()

    def misbehave(self, trouble: Trouble) -> None:
        if trouble.how == "silent names":
            self.sender = self._make(self.witness.port, self._silent)
        elif trouble.how in ("gone", "full"):
            self.sender = self._make(
                self._gone if trouble.how == "gone" else self._full, self._resolver
            )
        else:
            self.witness.always(*trouble.how)

    def hold(self, stage: str, clients: int = 1) -> Hold:
        hold = Wait(clients)
        self.witness.always(Stage(stage), hold)
        return hold

    async def ended(self) -> None:
        await self.witness.ended()


@contextmanager
def nobody(*, listens: bool) -> Iterator[int]:
    """A port that refuses; or one where a connection is never made, since the queue of those that
    wait is full."""
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen(0)
            first.connect(server.getsockname())
        yield server.getsockname()[1]


def _smtp(port: int, resolver: Resolver) -> Sender:
    return make_sender("smtp", {"host": "mx.example.test", "port": port, "tls": "none"}, resolver)


def _lmtp(port: int, resolver: Resolver) -> Sender:
    return make_sender("lmtp", {"host": "mx.example.test", "port": port}, resolver)


def _mx(port: int, resolver: Resolver) -> Sender:
    """A message that is deferred is not sent again within the time of a test."""
    return make_sender("mx", {"port": port, "retry_after": "1h"}, resolver)


def rig(
    make: Callable[[int, Resolver], Sender],
) -> Callable[[], AbstractAsyncContextManager[SmtpRig]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[SmtpRig]:
        async with AsyncExitStack() as stack:
            one = SmtpRig(make, await stack.enter_async_context(witness()), stack)
            await one.open()
            yield one

    return opened


SMTP = Kind(rig(_smtp), (Step.RESOLVE, *STEPS), STAGES, (Stage.QUIT,), (Stage.DOT,), troubles())
LMTP = Kind(rig(_lmtp), (Step.RESOLVE, *STEPS), STAGES, (Stage.QUIT,), (Stage.DOT,), troubles())
MX = Kind(
    rig(_mx),
    (Step.RESOLVE, Step.RESOLVE, *STEPS),
    STAGES,
    (Stage.QUIT,),
    (Stage.DOT,),
    troubles(),
)
