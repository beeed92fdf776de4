"""Faults of JMAP: a mailbox there, and sending through it."""

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.table import Changes, Fault, Known, Make, opening, send
from tests.atlas.world import World
from tests.support.jmap_server import Fails, JmapAct, JmapCut, JmapReply, JmapServer, jmap_server

SUBMIT = "EmailSubmission/set"
THROTTLED = (("Retry-After", "60"),)
ELSEWHERE = "https://files.example.net/{accountId}/{blobId}/{name}?type={type}"


async def _server(world: World) -> JmapServer:
    return await world.stack.enter_async_context(jmap_server(world.directory))


def reading(stage: str = "", act: JmapAct | None = None, **session: str) -> Make:
    """The mailbox is there; the server does this at a stage, or its session resource differs."""

    async def make(world: World) -> Changes:
        server = await _server(world)
        server.session = session
        if act:
            server.acts[stage] = act
        return {"mailbox": {"jmap": server.options()}}

    return make


def sending(stage: str, act: JmapAct) -> Make:
    """The server does this at a stage."""

    async def make(world: World) -> Changes:
        server = await _server(world)
        server.acts[stage] = act
        return {"send": {"jmap": server.options()}}

    return make


JMAP = (
    Fault(
        "A JMAP server refuses the login for reading",
        "`401` to the request for the session resource",
        opening(Step.LOGIN, Reason.AUTH, "401"),
        Known.AT_ONCE,
        "the password or token; whether the server wants an app password for JMAP",
        reading("session", JmapReply(401)),
    ),
    Fault(
        "A JMAP server serves messages from another host",
        "its session resource has a `downloadUrl` elsewhere",
        opening(Step.LOGIN, Reason.PROTOCOL, ""),
        Known.AT_ONCE,
        "`hosts`: name the host there if it belongs to the server",
        reading(downloadUrl=ELSEWHERE),
        says="no credentials are sent there",
    ),
    Fault(
        "`url` leads to no JMAP server",
        "`404` to the request for the session resource",
        opening(Step.LOGIN, Reason.PROTOCOL, "404"),
        Known.AT_ONCE,
        "`url`: the URL of the session resource, if the server has none at `/.well-known/jmap`",
        reading("well-known", JmapReply(404)),
    ),
    Fault(
        "A JMAP server wants fewer requests",
        "`429`, `Retry-After: 60`, to the request for the session resource",
        opening(Step.LOGIN, Reason.UNAVAILABLE, "429"),
        Known.SESSION,
        "how many programs use this account",
        reading("session", JmapReply(429, "", THROTTLED)),
    ),
    Fault(
        "A JMAP server does not let this login send as `from`",
        "`forbiddenFrom` to the submission",
        send(Step.DATA, Reason.REJECTED, "forbiddenFrom"),
        Known.AT_ONCE,
        "`from`; the identities of the account",
        sending(SUBMIT, Fails("forbiddenFrom", of_object=True)),
    ),
    Fault(
        "A JMAP server takes no more messages for now",
        "`rateLimit` to the submission",
        send(Step.DATA, Reason.DEFERRED, "rateLimit"),
        Known.AT_ONCE,
        "how much is sent from this account; `gap`",
        sending(SUBMIT, Fails("rateLimit", of_object=True)),
    ),
    Fault(
        "The mail server behind a JMAP server is down",
        "`serverFail` to the submission, as Cyrus says",
        send(Step.DATA, Reason.UNAVAILABLE, "serverFail"),
        Known.AT_ONCE,
        "the mail server that it submits to",
        sending(SUBMIT, Fails("serverFail", of_object=True)),
    ),
    Fault(
        "A JMAP server fails after the submission",
        "the connection is cut instead of an answer to the submission",
        send(Step.DATA, Reason.DISCONNECTED, ""),
        Known.TIMEOUT,
        "the server's log. The message may have been accepted, so mailtrip does not send it again,"
        " but waits for it",
        sending(SUBMIT, JmapCut()),
    ),
)
