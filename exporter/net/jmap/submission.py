"""The submission of a message (RFC 8621 sections 6 and 7): it is imported as a draft, submitted and
destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.jmap.call import Call
from exporter.net.jmap.errors import of_object
from exporter.net.jmap.values import Answer, mapping, objects, text, texts

if TYPE_CHECKING:
    from exporter.net.jmap.client import JmapClient

ROLES = ("drafts", "sent", "archive", "trash")
"""Where the draft is kept until it is sent: never where it might seem to have arrived."""

# A gateway does not know what became of the request; some of it was done (RFC 8620 section 3.6.2).
_LOST = ("502", "504", "serverPartialFail")


@dataclass(frozen=True, slots=True)
class Desk:
    """From where a message is sent: the ids of an identity, and of a mailbox for its draft."""

    identity: str
    place: str


class Submission:
    """The methods. All raise ProbeError."""

    def __init__(self, client: JmapClient) -> None:
        self._client = client

    async def desk(self, sender: str) -> Desk:
        """What is needed to send mail from this address."""
        host = self._client.host
        identities, mailboxes = await self._client.calls(
            [
                Call("Identity/get", {"ids": None}),
                Call("Mailbox/get", {"ids": None, "properties": ["id", "role"]}),
            ]
        )
        desk = Desk(_identity(objects(identities), sender), _place(objects(mailboxes)))
        if not desk.identity:
            detail = f"{host} has no identity that may send mail"
            raise ProbeError(Reason.REJECTED, detail, code="forbiddenFrom")
        if not desk.place:
            detail = f"{host} has no mailbox for the draft: {', '.join(ROLES)}"
            raise ProbeError(Reason.REJECTED, detail)
        return desk

    async def store(self, raw: bytes, place: str) -> str:
        """Uploads a message as it is, and imports it as a draft. Returns the draft's id."""
        draft = {
            "blobId": await self._client.upload(raw),
            "mailboxIds": {place: True},
            "keywords": {"$draft": True, "$seen": True},
        }
        answer = await self._client.call(Call("Email/import", {"emails": {"m": draft}}), safe=False)
        created = text(mapping(mapping(answer, "created"), "m"), "id")
        if not created:
            refusal = mapping(mapping(answer, "notCreated"), "m")
            raise of_object(self._client.host, "did not import the message", refusal)
        return created

    async def submit(
        self, draft: str, identity: str, sender: str, recipient: str
    ) -> tuple[str, bool]:
        """Submits a draft. Returns the submission's id, and whether the draft was destroyed."""
        submission = {
            "identityId": identity,
            "emailId": draft,
            "envelope": {"mailFrom": {"email": sender}, "rcptTo": [{"email": recipient}]},
        }
        arguments = {"create": {"s": submission}, "onSuccessDestroyEmail": ["#s"]}
        call = Call("EmailSubmission/set", arguments, f"{sender} -> {recipient}")
        ((answer, *others),) = await self._client.all_answers([call], safe=False)
        created = text(mapping(mapping(answer, "created"), "s"), "id")
        if not created:
            refusal = mapping(mapping(answer, "notCreated"), "s")
            raise of_object(self._client.host, "did not submit the message", refusal)
        return created, any(draft in texts(one, "destroyed") for one in others)


def is_uncertain(error: ProbeError) -> bool:
    """Whether a submission that failed with it may have been accepted all the same."""
    return error.reason in (Reason.DISCONNECTED, Reason.TIMEOUT) or error.code in _LOST


def _identity(identities: Sequence[Answer], sender: str) -> str:
    """The identity of this address, else one of its whole domain, else the first: the server
    decides whether it will do. Empty if there is none."""
    ids = {text(one, "email").lower(): text(one, "id") for one in reversed(identities)}
    wanted = (sender.lower(), f"*@{sender.rpartition('@')[2]}".lower())
    found = next((ids[one] for one in wanted if one in ids), "")
    return found or next(reversed(ids.values()), "")


def _place(mailboxes: Sequence[Answer]) -> str:
    ids = {text(one, "role"): text(one, "id") for one in mailboxes}
    return next((ids[role] for role in ROLES if ids.get(role)), "")
