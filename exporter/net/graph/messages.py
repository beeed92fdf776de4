"""Messages as Graph lists them: a page of a folder or of its changes, and one message as it came.

Listings have only what shows whether a message is worth reading. Other messages are not downloaded,
and none is marked as read: a request with GET changes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.graph.refusal import GONE, NO_STATE, error_of, parsed
from exporter.net.graph.request import MOST, Answer, Request

if TYPE_CHECKING:
    from exporter.net.graph.client import GraphClient

PAGE = 25  # messages
MOST_LISTED = 1000  # on a page, if Graph does not care for our wish
MOST_WORDS = 1000  # characters of a field; Exchange has at most 255 in most of them
_FIELDS = "subject,from,internetMessageId,receivedDateTime,hasAttachments,bodyPreview"
# An id stays the same when its message is moved within the mailbox.
_PREFER = 'IdType="ImmutableId"'
_PREFER_PAGES = f"{_PREFER}, odata.maxpagesize={PAGE}"
CLASSIFICATIONS = ("focused", "other")
_HIDDEN_FOLDER = "recoverableitemsdeletions"


def _quoted(name: str) -> str:
    """A part of a path. Half a pair of surrogates, which JSON may have, becomes a question mark."""
    return quote(name, safe="", errors="replace")


@dataclass(frozen=True, slots=True)
class Listed:
    """A message of a listing. The texts are its sender's."""

    id: str
    received: str  # by the server's clock, ISO 8601
    subject: str
    sender: str
    message_id: str
    preview: str  # how the text begins
    attachments: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of messages. Of the links, one is set: to the next page, or to later changes."""

    messages: list[Listed]
    next_link: str = ""
    delta_link: str = ""
    date: float | None = None  # when it was sent, by the server's clock; seconds since the epoch


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """A folder as its owner sees it."""

    title: str
    messages: int
    date: float | None  # by the server's clock


class GraphMessages:
    """The requests for messages of one mailbox. Every failure is a ProbeError."""

    def __init__(self, client: "GraphClient") -> None:
        self.client = client

    async def folder(self, name: str) -> FolderStatus | None:
        """A folder by its well-known name or id; None if there is none."""
        query = urlencode({"$select": "displayName,totalItemCount"}, safe="$,")
        path = f"/mailFolders/{_quoted(name)}?{query}"
        return await self.client.call(Request("GET", path, Step.SELECT, name), self._status)

    async def changes(self, folder: str, since: str, link: str = "") -> Page | None:
        """The messages that came at that time (ISO 8601) or later; or those that the link stands
        for. None if the server no longer knows the state that the link stands for.

        Raises ProbeError(protocol) for an answer of another form."""
        query = {"$select": _FIELDS, "$filter": f"receivedDateTime ge {since}"}
        path = link or f"/mailFolders/{_quoted(folder)}/messages/delta?{_encoded(query)}"
        request = Request("GET", path, Step.IDLE, folder, quiet=True, prefer=_PREFER_PAGES)

        def read(answer: Answer) -> Page | None:
            if link and (answer.status == 410 or code_of(answer).lower() == NO_STATE):
                return None
            page = self._page(answer)
            if not (page.next_link or page.delta_link):
                raise self._malformed()
            return page

        return await self.client.call(request, read)

    async def newest(self, folder: str, link: str = "") -> Page:
        """The messages of a folder, the newest first."""
        query = {"$select": _FIELDS, "$orderby": "receivedDateTime desc", "$top": str(PAGE)}
        path = link or f"/mailFolders/{_quoted(folder)}/messages?{_encoded(query)}"
        request = Request("GET", path, Step.FETCH, folder, prefer=_PREFER)
        return await self.client.call(request, self._page)

    async def with_id(self, folder: str, message_id: str) -> list[str]:
        """The ids of the messages of a folder that have this Message-ID. A filter that is ignored
        finds no others: what is found is deleted.

        Raises ProbeError(protocol) for an answer of another form."""
        wanted = message_id.replace("'", "''")
        query = {"$select": "internetMessageId", "$filter": f"internetMessageId eq '{wanted}'"}
        path = f"/mailFolders/{_quoted(folder)}/messages?{_encoded(query)}"

        def read(answer: Answer) -> list[str]:
            values = parsed(self.client.expect(answer, 200).body).get("value")
            if not isinstance(values, list):
                raise self._malformed()
            same = [
                value.get("id")
                for value in values
                if isinstance(value, dict) and value.get("internetMessageId") == message_id
            ]
            return [name for name in same if isinstance(name, str)]

        return await self.client.call(Request("GET", path, Step.FETCH, prefer=_PREFER), read)

    async def headers(self, message: str, most: int) -> str | None:
        """The header fields of a message as JSON, of at most so many bytes, to be searched; None if
        it is gone."""
        query = urlencode({"$select": "internetMessageHeaders"}, safe="$")
        answer = await self._of_message(message, f"?{query}", most)
        return answer.body.decode("utf-8", "replace") if answer else None

    async def raw(self, message: str, most: int) -> tuple[bytes, bool] | None:
        """The first bytes of a message as it came, and whether it goes on; None if it is gone."""
        answer = await self._of_message(message, "/$value", most)
        return (answer.body, answer.cut) if answer else None

    async def classification(self, message: str) -> str:
        """Under which tab of the inbox a message is: focused or other; empty if that is unknown.

        https://learn.microsoft.com/en-us/graph/api/resources/manage-focused-inbox."""
        query = urlencode({"$select": "inferenceClassification"}, safe="$")
        answer = await self._of_message(message, f"?{query}", MOST)
        found = parsed(answer.body).get("inferenceClassification") if answer else ""
        tab = found.lower() if isinstance(found, str) else ""
        return tab if tab in CLASSIFICATIONS else ""

    async def delete(self, message: str) -> bool:
        """Deletes a message for good. False if the server cannot do that: national clouds."""
        path = f"/messages/{_quoted(message)}/permanentDelete"

        def read(answer: Answer) -> bool:
            code, text = error_of(answer.body)
            if answer.status in (405, 501) or (answer.status in (400, 404) and "segment" in text):
                return False
            if code != GONE:
                self.client.expect(answer, 204)
            return True

        return await self.client.call(Request("POST", path, Step.DELETE, prefer=_PREFER), read)

    async def hide(self, message: str) -> None:
        """Moves a message to where deleted messages go that are in no folder that people see."""
        path = f"/messages/{_quoted(message)}/move"
        content = f'{{"destinationId": "{_HIDDEN_FOLDER}"}}'.encode()

        def read(answer: Answer) -> None:
            if code_of(answer) != GONE:
                self.client.expect(answer, 201)

        json = "application/json"
        request = Request(
            "POST", path, Step.DELETE, prefer=_PREFER, content=content, content_type=json
        )
        await self.client.call(request, read)

    async def _of_message(self, message: str, rest: str, most: int) -> Answer | None:
        path = f"/messages/{_quoted(message)}{rest}"
        request = Request("GET", path, Step.FETCH, prefer=_PREFER, most=most, cut=True)

        def read(answer: Answer) -> Answer | None:
            return None if code_of(answer) == GONE else self.client.expect(answer, 200)

        return await self.client.call(request, read)

    def _status(self, answer: Answer) -> FolderStatus | None:
        if code_of(answer) == GONE:
            return None
        found = parsed(self.client.expect(answer, 200).body)
        title, count = found.get("displayName"), found.get("totalItemCount")
        if not isinstance(title, str) or not isinstance(count, int):
            raise self._malformed()
        return FolderStatus(one_line(title, 200), count, _date_of(answer))

    def _page(self, answer: Answer) -> Page:
        found = parsed(self.client.expect(answer, 200).body)
        values = found.get("value")
        if not isinstance(values, list) or len(values) > MOST_LISTED:
            raise self._malformed()
        following, later = (
            self._link(found.get(f"@odata.{kind}")) for kind in ("nextLink", "deltaLink")
        )
        messages = [message for value in values if (message := _listed(value))]
        return Page(messages, following, later, _date_of(answer))

    def _link(self, link: Any) -> str:
        if link is None:
            return ""
        if not isinstance(link, str) or not self.client.is_ours(link):
            raise ProbeError(
                Reason.PROTOCOL, f"{self.client.host} sent a link that leads to another server"
            )
        return link

    def _malformed(self) -> ProbeError:
        return ProbeError(
            Reason.PROTOCOL, f"the answer of {self.client.host} is not one of Microsoft Graph"
        )


def code_of(answer: Answer) -> str:
    """The code of an error; empty if it is none."""
    return error_of(answer.body)[0] if answer.status >= 400 else ""


def _encoded(query: dict[str, str]) -> str:
    return urlencode(query, safe="$,:", quote_via=quote)


def iso(moment: float) -> str:
    """Seconds since the epoch, as Graph writes times."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _date_of(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _listed(value: Any) -> Listed | None:
    """None for a message that was removed, or of which only a mark has changed: then its other
    fields are missing."""
    if not isinstance(value, dict) or "@removed" in value:
        return None
    name, received = value.get("id"), value.get("receivedDateTime")
    if not isinstance(name, str) or not name or not isinstance(received, str):
        return None
    address = value.get("from")
    address = address.get("emailAddress") if isinstance(address, dict) else None
    sender = address.get("address") if isinstance(address, dict) else ""
    return Listed(
        name,
        received,
        _text(value.get("subject")),
        _text(sender),
        _text(value.get("internetMessageId")),
        _text(value.get("bodyPreview")),
        value.get("hasAttachments") is True,
    )


def _text(value: Any) -> str:
    return value[:MOST_WORDS] if isinstance(value, str) else ""
