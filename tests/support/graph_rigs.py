"""Rigs of the sender and the mailbox of Microsoft Graph: both in front of a service of our own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.graph.mailbox import GraphMailbox
from exporter.mailboxes.graph.options import GraphMailboxOptions
from exporter.mailboxes.session import Mailbox
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.lab.client import StoredMail
from tests.support.graph_service import (
    CUT,
    CUT_UNREAD,
    FREEZE,
    HOST,
    NONSENSE,
    GraphHold,
    GraphService,
    Says,
)
from tests.support.left_behind import until
from tests.support.mailbox_rig import FOREIGN
from tests.support.name_server import names
from tests.support.relay import Wire
from tests.support.sender_rig import Hold, Kind, Trouble, make_sender
from tests.support.sending import SENDER
from tests.support.smtp_witness import Received

ZONE = {HOST: {"A": ["127.0.0.1"]}}
LONG_AGO = 1_600_000_000.0


class GraphRig:
    """A sender and its service."""

    def __init__(self, service: GraphService, stack: AsyncExitStack) -> None:
        self.service = service
        self.sender: Sender
        self._stack = stack

    async def open(self) -> None:
        self._resolver = await self._stack.enter_async_context(names(ZONE))
        self._silent = await self._stack.enter_async_context(names(ZONE, silent=True))
        self.sender = self._make(self._resolver)

    def _make(self, resolver: Resolver, **given: Any) -> Sender:
        return make_sender("graph", self.service.options(host=HOST, **given), resolver)

    def with_options(self, **given: Any) -> Sender:
        """Another sender to the same service."""
        return self._make(self._resolver, **given)

    @property
    def received(self) -> Sequence[Received]:
        return self.service.received

    def behave(self) -> None:
        self.service.behave()

    def misbehave(self, trouble: Trouble) -> None:
        if trouble.how == "silent names":
            self.sender = self._make(self._silent)
        elif trouble.how == "gone":
            with socket.socket() as nobody:
                nobody.bind(("127.0.0.1", 0))
                self.sender = self._make(self._resolver, port=nobody.getsockname()[1])
        elif trouble.how == "another CA":
            self.sender = self._make(self._resolver, ca_file=None)
        elif trouble.how == "revoked":
            self.service.refuses_tokens = True
        else:
            operation, act = trouble.how
            self.service.acts[operation] = act

    def hold(self, stage: str, clients: int = 1) -> Hold:
        hold = self.service.acts["send_mail"] = GraphHold(clients)
        return hold

    async def ended(self) -> None:
        self.service.acts.clear()
        await until(lambda: self.service.at_once == 0)


def _refusal(
    status: int, code: str, reason: Reason, *, uncertain: bool = False, **headers: str
) -> Trouble:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    says = Says(status, code, f"The words that go with {code}", fields)
    name = f"{status} {code} {' '.join(headers)}".strip()
    return Trouble(name, ("send_mail", says), Step.DATA, reason, str(status), uncertain)


TROUBLES = (
    Trouble("gone", "gone", Step.CONNECT, Reason.CONNECT),
    Trouble("frozen at resolve", "silent names", Step.RESOLVE, Reason.TIMEOUT),
    Trouble("the certificate of another CA", "another CA", Step.CONNECT, Reason.TLS),
    Trouble("frozen at token", ("token", FREEZE), Step.TOKEN, Reason.TIMEOUT),
    Trouble("no token", ("token", Says(503)), Step.TOKEN, Reason.UNAVAILABLE),
    Trouble(
        "cut before the message",
        ("send_mail", CUT_UNREAD),
        Step.DATA,
        Reason.DISCONNECTED,
        uncertain=True,
    ),
    Trouble("cut", ("send_mail", CUT), Step.DATA, Reason.DISCONNECTED, uncertain=True),
    Trouble("frozen", ("send_mail", FREEZE), Step.DATA, Reason.TIMEOUT, uncertain=True),
    Trouble("nonsense", ("send_mail", NONSENSE), Step.DATA, Reason.PROTOCOL, uncertain=True),
    _refusal(400, "ErrorInvalidRecipients", Reason.REJECTED),
    Trouble("a token that is refused", "revoked", Step.DATA, Reason.AUTH, "401"),
    _refusal(403, "ErrorAccessDenied", Reason.AUTH),
    _refusal(403, "ErrorSendAsDenied", Reason.REJECTED),
    _refusal(404, "ErrorInvalidUser", Reason.REJECTED),
    _refusal(413, "ErrorMessageSizeExceeded", Reason.REJECTED),
    _refusal(429, "ApplicationThrottled", Reason.DEFERRED, Retry_After="7200"),
    _refusal(429, "ErrorExceededMessageLimit", Reason.DEFERRED, Retry_After="7200"),
    _refusal(500, "ErrorInternalServerError", Reason.UNAVAILABLE, uncertain=True),
    _refusal(502, "UnknownError", Reason.UNAVAILABLE, uncertain=True),
    _refusal(503, "ErrorServerBusy", Reason.UNAVAILABLE),
    _refusal(503, "serviceNotAvailable", Reason.UNAVAILABLE, Retry_After="7200"),
    _refusal(504, "UnknownError", Reason.UNAVAILABLE, uncertain=True),
    _refusal(507, "ErrorQuotaExceeded", Reason.MAILBOX_FULL),
    _refusal(200, "", Reason.PROTOCOL, uncertain=True),
    _refusal(302, "", Reason.PROTOCOL, Location="https://elsewhere.example/"),
)


@asynccontextmanager
async def sender_rig() -> AsyncIterator[GraphRig]:
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory())
        service = GraphService(Path(directory), SENDER)
        stack.callback(service.close)
        one = GraphRig(service, stack)
        await one.open()
        yield one


GRAPH = Kind(
    sender_rig,
    (Step.TOKEN, Step.RESOLVE, Step.CONNECT, Step.DATA),
    ("answer",),
    (),
    ("answer",),
    TROUBLES,
)


class GraphMailboxRig:
    """A mailbox with a message of somebody else in it."""

    in_lab: ClassVar[bool] = False
    keeps: ClassVar[bool] = True
    has_junk: ClassVar[bool] = True
    can_be_cut: ClassVar[bool] = True
    goodbye: ClassVar[str] = "connection closed"
    patience: ClassVar[float] = 0.1
    stays_connected: ClassVar[bool] = False
    wire: Wire | None = None

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.service = GraphService(request.getfixturevalue("tmp_path"))
        self._numbers = count(1)
        self.service.store(FOREIGN % b"the first")

    def mailbox(self, **given: Any) -> Mailbox:
        options = self.service.options(poll_interval="20ms", **given)
        return GraphMailbox(GraphMailboxOptions.model_validate(options), Resolver())

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        await asyncio.sleep(0)
        for message in messages:
            self.service.store(message, "junkemail" if folder else "inbox")
        return len(messages)

    def fill(self, messages: int, received: float = LONG_AGO) -> None:
        for number in range(messages):
            flags = ("", "S", "FS", "T")[number % 4]
            mail = self.service.store(FOREIGN % str(number).encode(), "inbox", received, flags)
            mail.read = "S" in flags

    def kept(self) -> list[StoredMail]:
        mails = sorted(self.service.mails.values(), key=lambda mail: (mail.folder, mail.id))
        return [
            StoredMail(
                self.service.folders[mail.folder],
                f"{mail.id} as of {mail.changed}",
                mail.flags,
                mail.raw,
                Path(mail.id),
            )
            for mail in mails
            if mail.folder in self.service.folders
        ]

    def lose(self) -> None:
        for name in list(self.service.mails):
            self.service.remove(name)

    def cut(self) -> None:
        self.service.cut()

    def mend(self) -> None:
        self.service.mend()

    def close(self) -> None:
        self.service.close()
