"""Who has to wait for whom."""

import asyncio

from exporter.web.turns import Turn, Turns


def turn() -> Turn:
    return asyncio.get_running_loop().create_future()


async def test_a_turn_is_given_at_once_if_nobody_has_one_and_then_one_after_the_other() -> None:
    turns, (first, second, third) = Turns(), (turn(), turn(), turn())
    for one in (first, second, third):
        turns.enqueue("a", one)
    assert [first.done(), second.done(), third.done()] == [True, False, False]
    turns.end()
    assert [second.done(), third.done()] == [True, False]
    turns.end()
    turns.end()
    turns.enqueue("a", last := turn())
    assert third.done()
    assert last.done()


async def test_clients_have_their_turns_one_after_the_other_however_many_one_of_them_wants() -> (
    None
):
    turns, greedy = Turns(), [turn() for _ in range(100)]
    for one in greedy:
        turns.enqueue("greedy", one)
    turns.enqueue("modest", modest := turn())
    turns.enqueue("other", other := turn())
    order = []
    for _ in range(4):
        turns.end()
        order.append(sum(one.done() for one in (*greedy, modest, other)))
        if len(order) == 3:
            assert modest.done()
            assert other.done()
    assert order == [2, 3, 4, 5]
    assert sum(one.done() for one in greedy) == 3


async def test_a_turn_that_several_clients_wait_for_comes_as_early_as_that_of_any_of_them() -> None:
    turns, greedy = Turns(), [turn() for _ in range(100)]
    for one in greedy:
        turns.enqueue("greedy", one)
    turns.enqueue("modest", greedy[99])
    turns.enqueue("modest", greedy[0])  # it has it
    turns.end()
    turns.end()
    assert greedy[99].done()
    for _ in range(98):
        turns.end()
    assert all(one.done() for one in greedy)
    assert not any(vars(turns).values())


async def test_a_forgotten_turn_is_not_given_and_leaves_nothing_behind() -> None:
    turns, (first, second, third) = Turns(), (turn(), turn(), turn())
    turns.enqueue("a", first)
    turns.enqueue("a", second)
    turns.enqueue("b", second)
    turns.enqueue("a", third)
    turns.forget(second)
    turns.forget(first)  # that is not waiting
    turns.end()
    assert third.done()
    assert not second.done()
    turns.end()
    assert not any(vars(turns).values())
