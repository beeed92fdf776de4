"""Coroutines that let others have their turn, and wait for nothing."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


class Still(asyncio.SelectorEventLoop):
    """An event loop in which no time passes, so that only the amount of work makes pauses."""

    def time(self) -> float:
        return 0.0


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns, without its pauses; also where a loop is running."""
    return with_pauses(coroutine)[0]


def with_pauses(coroutine: Coroutine[Any, Any, T]) -> tuple[T, int]:
    """What it returns, and how often others had their turn."""
    if asyncio._get_running_loop():
        return _counted(coroutine)

    async def alone() -> tuple[T, int]:
        return _counted(coroutine)

    with asyncio.Runner(loop_factory=Still) as runner:
        return runner.run(alone())


def _counted(coroutine: Coroutine[Any, Any, T]) -> tuple[T, int]:
    for pauses in count():
        try:
            assert coroutine.send(None) is None, "it waits for something"
        except StopIteration as end:
            return end.value, pauses
    raise AssertionError
