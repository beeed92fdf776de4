"""Faults of Microsoft Graph: a mailbox there, and sending from one."""

from typing import Any

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.table import Changes, Fault, Known, Make, opening, send
from tests.atlas.world import World
from tests.support.graph_service import GraphService, Says

DENIED = "Access is denied. Check credentials and try again."
THROTTLED = (("Retry-After", "60"),)


def _service(world: World) -> GraphService:
    service = GraphService(world.directory, f"{world.user.name}@lab.test")
    world.stack.callback(service.close)
    return service


def reading(says: Says | None = None, **options: Any) -> Make:
    """The mailbox is there, and the service says this when it is asked for a folder."""

    async def make(world: World) -> Changes:
        service = _service(world)
        if says:
            service.acts["folder"] = says
        else:
            service.refuses_tokens = not options
        return {"mailbox": {"graph": service.options(**options)}}

    return make


def sending(says: Says) -> Make:
    """The service says this to the message."""

    async def make(world: World) -> Changes:
        service = _service(world)
        service.acts["send_mail"] = says
        return {"send": {"graph": service.options()}}

    return make


GRAPH = (
    Fault(
        "Microsoft Graph refuses the token",
        "`401 InvalidAuthenticationToken`, also to a new token",
        opening(Step.SELECT, Reason.AUTH, "401"),
        Known.AT_ONCE,
        "`scope`, `base_url`: the token is for another service",
        reading(),
    ),
    Fault(
        "The application may not read the mailbox",
        "`403 ErrorAccessDenied` to a request for a folder",
        opening(Step.SELECT, Reason.AUTH, "403"),
        Known.AT_ONCE,
        "`Mail.ReadWrite` for this mailbox (RBAC for Applications); it takes up to two hours",
        reading(Says(403, "ErrorAccessDenied", DENIED)),
        says="the application needs a permission for this mailbox",
    ),
    Fault(
        "Microsoft Graph knows no such mailbox",
        "`user` names another one than there is",
        opening(Step.SELECT, Reason.REJECTED, "404"),
        Known.AT_ONCE,
        "`user`; its licence; whether it is in a hybrid deployment",
        reading(user="nobody@lab.test"),
        says="ErrorInvalidUser",
    ),
    Fault(
        "Microsoft Graph throttles the mailbox",
        "`429 ApplicationThrottled`, `Retry-After: 60`, to a request for a folder",
        opening(Step.SELECT, Reason.UNAVAILABLE, "429"),
        Known.SESSION,
        "other programs that use this application; `poll_interval`",
        reading(Says(429, "ApplicationThrottled", "too many requests", THROTTLED)),
    ),
    Fault(
        "Microsoft Graph is out of order",
        "`503 serviceNotAvailable` to a request for a folder",
        opening(Step.SELECT, Reason.UNAVAILABLE, "503"),
        Known.SESSION,
        "the service health of Microsoft 365",
        reading(Says(503, "serviceNotAvailable", "try later")),
    ),
    Fault(
        "The application may not send from the mailbox",
        "`403 ErrorAccessDenied` to the message",
        send(Step.DATA, Reason.AUTH, "403"),
        Known.AT_ONCE,
        "`Mail.Send` for this mailbox (RBAC for Applications)",
        sending(Says(403, "ErrorAccessDenied", DENIED)),
    ),
    Fault(
        "The sender is not that of the mailbox at Microsoft Graph",
        "`403 ErrorSendAsDenied` to the message",
        send(Step.DATA, Reason.REJECTED, "403"),
        Known.AT_ONCE,
        "`from` and `user`",
        sending(Says(403, "ErrorSendAsDenied", "Cannot submit message.")),
    ),
    Fault(
        "Microsoft Graph wants the message later than the trip can wait",
        "`429`, `Retry-After: 60`, to the message",
        send(Step.DATA, Reason.DEFERRED, "429"),
        Known.AT_ONCE,
        "how much is sent from this mailbox; `gap`",
        sending(Says(429, "ApplicationThrottled", "too many requests", THROTTLED)),
    ),
    Fault(
        "Microsoft Graph fails after the whole message",
        "`500` to the message, which is gone",
        send(Step.DATA, Reason.UNAVAILABLE, "500"),
        Known.TIMEOUT,
        "the service health. The message may have been accepted, so mailtrip does not send it"
        " again, but waits for it",
        sending(Says(500, "ErrorInternalServerError", "an error")),
    ),
)
