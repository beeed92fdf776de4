"""What is made of the answers of Microsoft Graph about messages."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import unquote

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.graph.client import GraphClient
from exporter.net.graph.messages import MOST_LISTED, MOST_WORDS, FolderStatus, GraphMessages, iso
from exporter.net.graph.refusal import GONE
from exporter.net.graph.request import Answer, Request

Result = TypeVar("Result")
OURS = "https://graph.example/v1.0/next"
SINCE = "2026-11-30T12:00:00Z"


class OneAnswer:
    """A client whose server gives this answer."""

    host = "graph.example"

    def __init__(
        self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = Answer(status, raw, headers or {})
        self.requests: list[Request] = []

    async def call(self, request: Request, read: Callable[[Answer], Result]) -> Result:
        self.requests.append(request)
        return read(self.answer)

    def expect(self, answer: Answer, status: int) -> Answer:
        if answer.status != status:
            raise ProbeError(Reason.UNAVAILABLE, f"status {answer.status}")
        return answer

    def is_ours(self, link: str) -> bool:
        return link.startswith("https://graph.example/")

    @property
    def path(self) -> str:
        return unquote(self.requests[-1].path)


def given(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> tuple[GraphMessages, OneAnswer]:
    client = OneAnswer(body, status, headers)
    return GraphMessages(cast("GraphClient", client)), client


def error(code: str, message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def listed(**more: Any) -> dict[str, Any]:
    address = {"emailAddress": {"address": "a@example.org"}}
    return {"id": "m1", "receivedDateTime": SINCE, "subject": "s", "from": address, **more}


async def test_a_folder_has_a_title_and_a_number_of_messages() -> None:
    date = {"Date": "Mon, 30 Nov 2026 12:00:00 GMT"}
    messages, client = given({"displayName": "In\nbox", "totalItemCount": 7}, headers=date)
    found = await messages.folder("in box")
    assert isinstance(found, FolderStatus)
    assert "\n" not in found.title
    assert (found.messages, found.date) == (7, 1796040000.0)
    assert "/mailFolders/in%20box?" in client.requests[0].path
    assert await given(error(GONE), 404)[0].folder("x") is None
    for nonsense in ({}, {"displayName": "x"}, {"displayName": "x", "totalItemCount": "7"}):
        with pytest.raises(ProbeError, match="not one of Microsoft Graph"):
            await given(nonsense)[0].folder("x")


async def test_a_page_of_changes_leads_on_and_only_to_the_same_server() -> None:
    page = {"value": [listed()], "@odata.nextLink": OURS}
    messages, client = given(page)
    found = await messages.changes("inbox", SINCE)
    assert found
    assert (found.next_link, found.delta_link, found.date) == (OURS, "", None)
    assert [one.sender for one in found.messages] == ["a@example.org"]
    assert f"receivedDateTime ge {SINCE}" in client.path
    for link in ("https://elsewhere.example/", 5):
        with pytest.raises(ProbeError, match="leads to another server"):
            await given({**page, "@odata.nextLink": link})[0].changes("inbox", SINCE)
    with pytest.raises(ProbeError, match="not one of Microsoft Graph"):
        await given({"value": []})[0].changes("inbox", SINCE)


@pytest.mark.parametrize(("body", "status"), [(error("x"), 410), (error("SyncStateNotFound"), 400)])
async def test_a_state_that_is_too_old_is_no_error(body: Any, status: int) -> None:
    assert await given(body, status)[0].changes("inbox", SINCE, OURS) is None
    with pytest.raises(ProbeError):
        await given(body, status)[0].changes("inbox", SINCE)


async def test_what_is_no_message_is_passed_over_and_texts_are_cut() -> None:
    values = [
        listed(),
        {"@removed": {"reason": "deleted"}, "id": "m2"},
        listed(id=""),
        listed(id=5),
        listed(receivedDateTime=None),
        "nonsense",
        listed(id="m3", subject="x" * 5000, **{"from": None}, hasAttachments="yes"),
    ]
    found = await given({"value": values})[0].newest("inbox")
    assert [one.id for one in found.messages] == ["m1", "m3"]
    last = found.messages[-1]
    assert (len(last.subject), last.sender, last.attachments) == (MOST_WORDS, "", False)
    many = {"value": [listed()] * (MOST_LISTED + 1)}
    with pytest.raises(ProbeError, match="not one of Microsoft Graph"):
        await given(many)[0].newest("inbox")


async def test_a_filter_that_is_ignored_finds_no_others() -> None:
    values = [
        {"id": "m1", "internetMessageId": "<o'neil@x>"},
        {"id": "m2", "internetMessageId": "<other@x>"},
        {"id": 3, "internetMessageId": "<o'neil@x>"},
        "nonsense",
    ]
    messages, client = given({"value": values})
    assert await messages.with_id("inbox", "<o'neil@x>") == ["m1"]
    assert "eq '<o''neil@x>'" in client.path
    with pytest.raises(ProbeError, match="not one of Microsoft Graph"):
        await given({})[0].with_id("inbox", "<a@x>")


@pytest.mark.parametrize(
    ("body", "tab"),
    [
        ({"inferenceClassification": "Focused"}, "focused"),
        ({"inferenceClassification": "other"}, "other"),
        ({"inferenceClassification": "<b>"}, ""),
        ({"inferenceClassification": 5}, ""),
        (b"no JSON", ""),
    ],
)
async def test_the_tab_of_a_message_is_one_of_two(body: Any, tab: str) -> None:
    assert await given(body)[0].classification("m1") == tab


async def test_a_message_that_is_gone_is_none_and_deleted() -> None:
    messages, _ = given(error(GONE), 404)
    assert await messages.raw("m1", 100) is None
    assert await messages.headers("m1", 100) is None
    assert await messages.classification("m1") == ""
    assert await messages.delete("m1") is True
    await messages.hide("m1")


@pytest.mark.parametrize(
    ("status", "body", "deleted"),
    [
        (204, b"", True),
        (405, b"", False),
        (501, b"", False),
        (400, error("BadRequest", "Resource not found for the segment 'permanentDelete'"), False),
        (404, error("BadRequest", "Resource not found for the segment 'permanentDelete'"), False),
    ],
)
async def test_a_cloud_that_cannot_delete_for_good_says_so(
    status: int, body: Any, deleted: bool
) -> None:
    messages, client = given(body, status)
    assert await messages.delete("a/b") is deleted
    assert client.requests[0].path == "/messages/a%2Fb/permanentDelete"


async def test_another_refusal_of_a_deletion_is_an_error() -> None:
    for act in ("delete", "hide"):
        with pytest.raises(ProbeError, match="status 403"):
            await getattr(given(error("ErrorAccessDenied"), 403)[0], act)("m1")


async def test_as_much_of_a_message_is_read_as_is_wanted() -> None:
    messages, client = given(b"Subject: a")
    assert await messages.raw("m1", 10) == (b"Subject: a", False)
    assert (client.requests[0].most, client.requests[0].cut) == (10, True)


def test_times_are_written_as_graph_does() -> None:
    assert iso(1796040000.9) == SINCE
