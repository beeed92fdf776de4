"""What one attempt says of the network is judged by those beside it."""

import asyncio
from dataclasses import replace

import pytest

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.remark import Doubt
from exporter.commands.preflight.strangers import beside_the_others
from exporter.core.model import Phase, Reason, Span, Step

DOWN = Span(Phase.SEND, Step.CONNECT, 0.0, 1.0, Reason.CONNECT, note="mx.example.org:25")
UP = Span(Phase.SEND, Step.CONNECT, 0.0, 1.0, note="mx.example.net:25")
SILENT = Attempt("module", "mx.example.org", spans=(DOWN,), to_strangers=True, public=True)


async def doubts(attempt: Attempt, other: Attempt) -> list[Doubt]:
    async def made() -> Attempt:
        return other

    task = asyncio.create_task(made())
    judged = await beside_the_others(attempt, [task])
    await task
    return [remark.doubt for remark in judged.remarks]


@pytest.mark.parametrize(
    ("other", "doubt"),
    [
        (SILENT, Doubt.BLOCKED),
        (replace(SILENT, spans=(UP,)), Doubt.ALL_DOWN),
        # A server of our own network says nothing of the way to the Internet.
        (replace(SILENT, spans=(UP,), public=False), Doubt.BLOCKED),
        (replace(SILENT, spans=(UP,), to_strangers=False), Doubt.BLOCKED),
    ],
)
async def test_whether_the_network_is_to_blame(other: Attempt, doubt: Doubt) -> None:
    assert await doubts(SILENT, other) == [doubt]


async def test_nothing_is_said_of_a_server_that_knows_us() -> None:
    assert await doubts(replace(SILENT, to_strangers=False), SILENT) == []
