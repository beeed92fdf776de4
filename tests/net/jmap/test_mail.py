"""The messages of an account, from whatever answers come."""

from typing import Any, cast

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.jmap.call import Call
from exporter.net.jmap.client import JmapClient
from exporter.net.jmap.errors import MethodFailed
from exporter.net.jmap.mail import PAGE, Changes, Email, Header, Mail, Place
from exporter.net.jmap.resource import Limits


class Answering:
    """A client whose server gives these answers, one after the other."""

    host = "jmap.example"

    def __init__(self, *answers: dict[str, Any] | ProbeError) -> None:
        self.answers = [*answers]
        self.calls: list[Call] = []
        self.limits = Limits(max_objects_in_get=3, max_objects_in_set=2)

    @property
    def resource(self) -> "Answering":
        return self

    async def call(self, call: Call) -> dict[str, Any]:
        self.calls.append(call)
        answer = self.answers.pop(0)
        if isinstance(answer, ProbeError):
            raise answer
        return answer


def mail(client: Answering) -> Mail:
    return Mail(cast("JmapClient", client))


async def test_places_have_a_role_or_none() -> None:
    found = [
        {"id": "p1", "name": "Inbox", "role": "inbox"},
        {"id": "p2", "name": "X", "role": None},
    ]
    assert await mail(Answering({"list": found})).places() == [
        Place("p1", "Inbox", "inbox"),
        Place("p2", "X", ""),
    ]


async def test_a_server_may_not_say_how_many_messages_there_are() -> None:
    assert await mail(Answering({"list": [{"totalEmails": 7}]})).count("p1") == 7
    assert await mail(Answering({"list": [{}]})).count("p1") is None
    assert await mail(Answering({"list": []})).count("p1") is None


async def test_changes_are_asked_for_as_many_as_may_be_read_at_once() -> None:
    answer = {
        "newState": "2",
        "created": ["a"],
        "updated": ["b"],
        "destroyed": [],
        "hasMoreChanges": True,
    }
    client = Answering(answer)
    assert await mail(client).changes("1", 100) == Changes("2", ["a"], ["b"], [], True)
    assert client.calls[0].arguments == {"sinceState": "1", "maxChanges": 3}


async def test_a_server_that_knows_no_changes_says_so_and_any_other_error_is_one() -> None:
    lost = MethodFailed(Reason.PROTOCOL, "x", "cannotCalculateChanges")
    assert await mail(Answering(lost)).changes("1", 1) is None
    other = MethodFailed(Reason.UNAVAILABLE, "x", "serverFail")
    with pytest.raises(MethodFailed):
        await mail(Answering(other)).changes("1", 1)


async def test_the_newest_are_read_page_by_page_until_the_last() -> None:
    whole = [f"m{number}" for number in range(PAGE)]
    client = Answering(
        {"ids": whole}, {"ids": ["n1", "n2"], "limit": 2}, {"ids": ["n3"], "limit": 2}
    )
    assert await mail(client).newest("p1", 10_000) == [*whole, "n1", "n2", "n3"]
    assert [call.arguments["position"] for call in client.calls] == [0, PAGE, PAGE + 2]
    client = Answering({"ids": whole}, {"ids": whole})
    assert len(await mail(client).newest("p1", PAGE)) == PAGE, "no more than are needed"
    client = Answering({"ids": [], "limit": 0})
    assert await mail(client).newest("p1", 5) == [], "a page of nothing is the last one"


async def test_only_places_where_a_message_is_count() -> None:
    one = {"id": "m1", "blobId": "b1", "mailboxIds": {"p1": True, "p2": False}, "size": 5}
    assert await mail(Answering({"list": [one]})).emails(["m1", "gone"]) == [
        Email("m1", "b1", frozenset({"p1"}), 5)
    ]


async def test_a_header_is_as_it_is_in_the_message() -> None:
    fields = [{"name": "Subject", "value": " a\r\n b"}, {"name": "X", "value": "\udcff"}]
    one = {"id": "m1", "mailboxIds": {}, "headers": fields}
    (found,) = await mail(Answering({"list": [one]})).headers(["m1"])
    assert found == Header("m1", frozenset(), b"Subject: a\r\n b\r\nX:?\r\n\r\n")


async def test_as_many_are_destroyed_at_a_time_as_the_server_allows() -> None:
    client = Answering({"notDestroyed": {"a": {"type": "notFound"}}}, {"notDestroyed": None})
    await mail(client).destroy(["a", "b", "c"])
    assert [call.arguments["destroy"] for call in client.calls] == [["a", "b"], ["c"]]
    refused = Answering({"notDestroyed": {"a": {"type": "forbidden"}}})
    with pytest.raises(ProbeError, match="did not delete a message"):
        await mail(refused).destroy(["a"])
