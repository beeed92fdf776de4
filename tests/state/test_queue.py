"""What waits for the disk is bounded."""

import asyncio

import pytest

from exporter.state.queue import MOST_AT_ONCE, MOST_BYTES, MOST_WAITING, Queue, Waiting
from exporter.state.schema import StateUnusable


def waiting(weight: int = 0) -> Waiting:
    return Waiting(lambda connection: None, asyncio.get_running_loop().create_future(), weight)


async def test_the_oldest_evidence_is_given_up_first() -> None:
    queue = Queue()
    firm, evidence = waiting(), waiting(weight=MOST_BYTES)
    for one in (firm, evidence, *(waiting() for _ in range(MOST_AT_ONCE))):
        queue.add(one)
    queue.add(waiting(weight=1))
    assert queue.dropped == 1
    with pytest.raises(StateUnusable, match="too many changes wait"):
        evidence.done.result()
    assert queue.batch()[0] is firm


async def test_beyond_a_number_the_oldest_is_given_up_whatever_it_is() -> None:
    queue = Queue()
    for _ in range(MOST_WAITING + 1):
        queue.add(waiting())
    assert (len(queue), queue.dropped) == (MOST_WAITING, 1)


async def test_what_had_to_make_room_is_not_taken_twice() -> None:
    queue, first, second = Queue(), waiting(), waiting()
    queue.add(first)
    queue.add(second)
    queue.take(first)
    queue.take(first)
    assert queue.take_all() == [second]
    assert len(queue) == 0


async def test_what_is_given_up_makes_room_and_leaves_the_others_in_order() -> None:
    """Also a verdict is evidence: a state that cannot be written for hours does not fill memory."""
    queue, half = Queue(), MOST_BYTES // 2
    given = [waiting(weight=half if number in (3, 5, 7) else 0) for number in range(2000)]
    for one in given:
        queue.add(one)
    assert [one for one in queue.take_all() if one.done.done()] == []
    assert queue.dropped == 1
    assert [number for number, one in enumerate(given) if one.done.done()] == [3]
