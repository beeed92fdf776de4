"""Coroutines that let others have their turn, and wait for nothing."""

from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns, without its pauses; also where a loop is running."""
    return with_pauses(coroutine)[0]


def with_pauses(coroutine: Coroutine[Any, Any, T]) -> tuple[T, int]:
    """What it returns, and how often others had their turn."""
    for pauses in count():
        try:
            assert coroutine.send(None) is None, "it waits for something"
        except StopIteration as end:
            return end.value, pauses
    raise AssertionError
