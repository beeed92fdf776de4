"""Faults of a delivery agent to which mailtrip speaks itself (LMTP)."""

from typing import Any

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.table import Changes, Fault, Known, Lever, Make, given, send
from tests.atlas.world import World
from tests.support.smtp_witness import Reply, Stage


def to(agent: dict[str, Any], **roundtrip: str) -> Make:
    return given(send={"lmtp": agent}, roundtrip=roundtrip)


def _says(words: str, stage: Stage) -> Make:
    async def make(world: World) -> Changes:
        server = await world.witness(stage, Reply(words), offers=())
        return {"send": {"lmtp": {"host": "127.0.0.1", "port": server.port}}}

    return make


DELIVERY_AGENT = (
    Fault(
        "The delivery agent is stopped",
        "the lab's is stopped",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "whether it runs, and listens on that port",
        to({"host": "<imap>"}),
        Lever.STORE,
    ),
    Fault(
        "Its socket is not there",
        "`socket` names no file",
        send(Step.CONNECT, Reason.CONNECT),
        Known.AT_ONCE,
        "the path, and whether the delivery agent runs",
        to({"socket": "<directory>/lmtp"}),
        says="no such file or directory",
    ),
    Fault(
        "The port is a relay's",
        "`host` and `port` of an SMTP server",
        send(Step.EHLO, Reason.PROTOCOL, "500"),
        Known.AT_ONCE,
        "`port`; use `smtp` for a relay",
        to({"host": "<relay>", "port": 25}),
        says="For an SMTP server use `smtp`",
    ),
    Fault(
        "The delivery agent knows no such user",
        "a recipient without a mailbox",
        send(Step.RCPT, Reason.REJECTED, "550"),
        Known.AT_ONCE,
        "the address; its user database",
        to({"host": "<imap>"}, to="nobody@lab.test"),
    ),
    Fault(
        "The mailbox has reached its quota",
        "a recipient with a quota of one byte",
        send(Step.DATA, Reason.MAILBOX_FULL, "552"),
        Known.AT_ONCE,
        "the quota",
        to({"host": "<imap>"}, to="full@lab.test"),
    ),
    Fault(
        "The delivery agent wants a login",
        "`430 Authentication required` to MAIL, as Cyrus says",
        send(Step.MAIL, Reason.AUTH, "430"),
        Known.AT_ONCE,
        "`username` and `password`; `lmtp_admins`",
        _says("430 Authentication required", Stage.MAIL),
    ),
    Fault(
        "The delivery agent cannot store the message",
        "`451 4.3.0 <…> Temporary internal error` to the whole message",
        send(Step.DATA, Reason.DEFERRED, "451"),
        Known.AT_ONCE,
        "its log, its disk, its Sieve scripts",
        _says("451 4.3.0 <someone@lab.test> Temporary internal error", Stage.DOT),
    ),
)
