"""Which connection is dropped when there are too many, or too much is unread."""

import asyncio
from typing import Protocol

import pytest

from exporter.metrics.text import Text
from exporter.web.connection import Connection
from exporter.web.connection_limits import ConnectionLimits
from exporter.web.eviction import busiest_client, least_missed, oldest_unread
from exporter.web.progress import State

NOTHING = Text()


class Make(Protocol):
    def __call__(self, client: str, state: State = ..., answer: Text = ...) -> Connection: ...


@pytest.fixture
async def connection() -> Make:
    limits = ConnectionLimits(asyncio.Protocol)

    def make(client: str, state: State = State.NEW, answer: Text = NOTHING) -> Connection:
        one = Connection(limits, asyncio.Protocol())
        one.client = client
        if state is not State.NEW:
            one.progress.answer_request()
        if answer:
            one.progress.expect_reading(answer, 60)
        if state is State.STALLED:
            one.progress.stall()
        if state is State.IDLE:
            one.progress.expect_request(60)
        assert one.progress.state is state
        return one

    return make


async def test_the_busiest_client_has_the_most_connections(connection: Make) -> None:
    assert busiest_client([connection(client) for client in "abbabb"]) == "b"


async def test_new_ones_go_before_stalled_before_idle_ones_and_others_only_at_need(
    connection: Make,
) -> None:
    order = [State.NEW, State.STALLED, State.IDLE]
    left = [connection("a", state) for state in (State.ANSWERING, *reversed(order), State.NEW)]
    newest = left.pop()
    for state in order:
        found = least_missed(left)
        assert found is not None
        assert found.progress.state is state
        assert found is not newest
        left.remove(found)
    assert least_missed(left) is None
    assert least_missed(left, also_answering=True) is left[0]


async def test_the_oldest_answer_of_the_client_with_the_most_goes_first(connection: Make) -> None:
    large, newest = Text([b"x" * 92]), Text([b"y" * 92])
    assert large.memory == 100
    older, other, newer = (connection(client, State.ANSWERING, large) for client in "aba")
    last = connection("c", State.ANSWERING, newest)
    everyone = [newer, other, older, last]
    assert oldest_unread(everyone, 200, newest) is None, "an answer that is shared counts once"
    older.progress.since -= 1
    assert oldest_unread(everyone, 199, newest) is older
    assert oldest_unread([other, last], 199, newest) is other
    assert oldest_unread([last], 99, newest) is None, "the newest answer is always sent"
