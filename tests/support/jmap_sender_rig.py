"""The rig of the sender that speaks JMAP: a server in this process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.support.jmap_server import (
    NAME,
    Fails,
    JmapAct,
    JmapCut,
    JmapFreeze,
    JmapReply,
    JmapServer,
    JmapWait,
    jmap_server,
)
from tests.support.left_behind import until
from tests.support.name_server import names
from tests.support.sender_rig import Hold, Kind, Trouble, make_sender
from tests.support.smtp_rig import nobody
from tests.support.smtp_witness import Received

ZONE = {NAME: {"A": ["127.0.0.1"]}}
SUBMIT = "EmailSubmission/set"
STEP_OF = {
    "session": Step.AUTH,
    "Identity/get": Step.MAIL,
    "upload": Step.DATA,
    "Email/import": Step.DATA,
    SUBMIT: Step.DATA,
}
STAGES = tuple(STEP_OF)
ACTS: list[tuple[str, str, JmapAct, Reason, str]] = [
    *((stage, "cut", JmapCut(), Reason.DISCONNECTED, "") for stage in STAGES),
    *((stage, "frozen", JmapFreeze(), Reason.TIMEOUT, "") for stage in STAGES),
    *((stage, "nonsense", JmapReply(200, "<html>"), Reason.PROTOCOL, "") for stage in STAGES),
    *((stage, "busy", JmapReply(503, "later"), Reason.UNAVAILABLE, "503") for stage in STAGES),
    *((stage, "throttled", JmapReply(429), Reason.UNAVAILABLE, "429") for stage in STAGES),
    *((stage, "forbidden", JmapReply(403), Reason.REJECTED, "403") for stage in STAGES),
    ("session", "refused", JmapReply(401), Reason.AUTH, "401"),
    ("session", "not there", JmapReply(404), Reason.PROTOCOL, "404"),
    ("Email/import", "down", Fails("serverFail"), Reason.UNAVAILABLE, "serverFail"),
    ("Email/import", "closed", Fails("accountReadOnly"), Reason.REJECTED, "accountReadOnly"),
    *(
        (stage, kind, Fails(kind, words, of_object=True), reason, kind)
        for stage, kind, words, reason in (
            ("Email/import", "invalidEmail", "", Reason.REJECTED),
            ("Email/import", "overQuota", "", Reason.MAILBOX_FULL),
            (SUBMIT, "forbiddenFrom", "not your address", Reason.REJECTED),
            (SUBMIT, "forbiddenToSend", "5.7.1 looks like spam", Reason.REJECTED),
            (SUBMIT, "invalidRecipients", "", Reason.REJECTED),
            (SUBMIT, "rateLimit", "", Reason.DEFERRED),
        )
    ),
    (
        SUBMIT,
        "4.2.0",
        Fails("forbiddenToSend", "4.2.0 later", of_object=True),
        Reason.DEFERRED,
        "forbiddenToSend",
    ),
]


def troubles() -> tuple[Trouble, ...]:
    lost = (Reason.DISCONNECTED, Reason.TIMEOUT)
    return (
        Trouble("gone", "gone", Step.CONNECT, Reason.CONNECT),
        Trouble("frozen at resolve", "silent names", Step.RESOLVE, Reason.TIMEOUT),
        *(
            Trouble(
                f"{name} at {stage}",
                (stage, act),
                STEP_OF[stage],
                reason,
                code,
                uncertain=stage == SUBMIT and reason in lost,
            )
            for stage, name, act, reason, code in ACTS
        ),
    )


class JmapSenderRig:
    """A sender and its server."""

    def __init__(self, server: JmapServer, stack: AsyncExitStack) -> None:
        self.sender: Sender
        self.server = server
        self._stack = stack

    async def open(self) -> None:
        self._resolver = await self._stack.enter_async_context(names(ZONE))
        self._silent = await self._stack.enter_async_context(names(ZONE, silent=True))
        self._gone = self._stack.enter_context(nobody(listens=False))
        self.behave()

    def _make(self, port: int, resolver: Resolver) -> None:
        options = self.server.options(url=f"https://{NAME}:{port}")
        self.sender = make_sender("jmap", options, resolver)

    @property
    def received(self) -> Sequence[Received]:
        return self.server.received

    def behave(self) -> None:
        self.server.acts.clear()
        self._make(self.server.port, self._resolver)

    def misbehave(self, trouble: Trouble) -> None:
        if trouble.how == "silent names":
            self._make(self.server.port, self._silent)
        elif trouble.how == "gone":
            self._make(self._gone, self._resolver)
        else:
            stage, act = trouble.how
            self.server.acts[stage] = act

    def hold(self, stage: str, clients: int = 1) -> Hold:
        hold = self.server.acts[stage] = JmapWait(clients)
        return hold

    async def ended(self) -> None:
        await until(lambda: self.server.clients == 0)


@asynccontextmanager
async def rig() -> AsyncIterator[JmapSenderRig]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        one = JmapSenderRig(await stack.enter_async_context(jmap_server(folder)), stack)
        await one.open()
        yield one


JMAP = Kind(
    rig,
    (Step.RESOLVE, Step.CONNECT, Step.TLS, Step.AUTH, Step.MAIL, Step.DATA),
    STAGES,
    (),
    (SUBMIT,),
    troubles(),
)
