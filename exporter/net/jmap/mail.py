"""The messages of an account (RFC 8621): what has changed, where they are, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.net.jmap.call import Call
from exporter.net.jmap.errors import MethodFailed, is_missing, of_object
from exporter.net.jmap.values import Answer, mapping, needed, number, objects, text, texts

if TYPE_CHECKING:
    from exporter.net.jmap.client import JmapClient

PAGE = 1000  # ids in one answer to a query


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox in the sense of the RFC."""

    id: str
    name: str
    role: str  # empty if it has none


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since a state: the ids of messages."""

    state: str
    created: list[str]
    updated: list[str]
    destroyed: list[str]
    more: bool  # there are more changes since this state


@dataclass(frozen=True, slots=True)
class Email:
    """What a server says of a message without its content."""

    id: str
    blob: str
    places: frozenset[str]
    size: int | None  # bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a message, as it is in it."""

    id: str
    places: frozenset[str]
    raw: bytes


class Mail:
    """The methods. All raise ProbeError."""

    def __init__(self, client: JmapClient) -> None:
        self._client = client

    async def places(self) -> list[Place]:
        arguments = {"ids": None, "properties": ["id", "name", "role"]}
        answer = await self._client.call(Call("Mailbox/get", arguments))
        return [
            Place(text(one, "id"), text(one, "name"), text(one, "role")) for one in objects(answer)
        ]

    async def count(self, place: str) -> int | None:
        """How many messages there are; None if the server does not say so."""
        call = Call("Mailbox/get", {"ids": [place], "properties": ["totalEmails"]}, "totalEmails")
        found = objects(await self._client.call(call))
        return number(found[0], "totalEmails") if found else None

    async def state(self) -> str:
        """The current state of all messages."""
        return needed(await self._client.call(Call("Email/get", {"ids": []}, "state")), "state")

    async def changes(self, state: str, most: int) -> Changes | None:
        """What has changed since then, at most so many messages (RFC 8620 section 5.2); None if the
        server does not know."""
        most = min(most, self._client.resource.limits.max_objects_in_get)
        call = Call("Email/changes", {"sinceState": state, "maxChanges": most})
        try:
            answer = await self._client.call(call)
        except MethodFailed as error:
            if error.kind != "cannotCalculateChanges":
                raise
            return None
        return Changes(
            needed(answer, "newState"),
            texts(answer, "created"),
            texts(answer, "updated"),
            texts(answer, "destroyed"),
            answer.get("hasMoreChanges") is True,
        )

    async def newest(self, place: str, most: int) -> list[str]:
        """The ids of the messages there, the newest first, about so many."""
        found: list[str] = []
        while len(found) < most:
            arguments = {
                "filter": {"inMailbox": place},
                "sort": [{"property": "receivedAt", "isAscending": False}],
                "position": len(found),
                "limit": PAGE,
            }
            call = Call("Email/query", arguments, f"from {len(found)}")
            answer = await self._client.call(call)
            ids = texts(answer, "ids")
            found += ids
            page = number(answer, "limit")  # only if the server wants less (RFC 8620 section 5.5)
            if not ids or len(ids) < (page or PAGE):
                break
        return found

    async def emails(self, ids: Sequence[str]) -> list[Email]:
        """Without those that are gone."""
        arguments = {"ids": ids, "properties": ["id", "blobId", "mailboxIds", "size"]}
        answer = await self._client.call(Call("Email/get", arguments, f"{len(ids)} messages"))
        return [
            Email(text(one, "id"), text(one, "blobId"), _places(one), number(one, "size"))
            for one in objects(answer)
        ]

    async def headers(self, ids: Sequence[str]) -> list[Header]:
        """Without those that are gone."""
        arguments = {"ids": ids, "properties": ["id", "mailboxIds", "headers"]}
        call = Call("Email/get", arguments, f"headers of {len(ids)} messages")
        answer = await self._client.call(call)
        return [Header(text(one, "id"), _places(one), _raw(one)) for one in objects(answer)]

    async def destroy(self, ids: Sequence[str]) -> None:
        """Destroys exactly these messages. One that is gone already is no failure."""
        most = self._client.resource.limits.max_objects_in_set
        for start in range(0, len(ids), most):
            some = ids[start : start + most]
            call = Call("Email/set", {"destroy": some}, f"destroy {len(some)} messages")
            answer = await self._client.call(call)
            for one in mapping(answer, "notDestroyed").values():
                if not is_missing(one):
                    raise of_object(self._client.host, "did not delete a message", one)


def _places(email: Answer) -> frozenset[str]:
    return frozenset(one for one, there in mapping(email, "mailboxIds").items() if there is True)


def _raw(email: Answer) -> bytes:
    fields = (f"{text(one, 'name')}:{text(one, 'value')}\r\n" for one in objects(email, "headers"))
    return "".join(fields).encode(errors="replace") + b"\r\n"
