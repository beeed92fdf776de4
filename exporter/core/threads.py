"""Work in a separate thread. The program does not wait for it at exit: a disk may stall for
ever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

NAME = "aside"
Result = TypeVar("Result")


def retrieved(done: "asyncio.Future[Result]") -> None:
    """Marks the exception as retrieved, since the future may never be awaited."""
    if not done.cancelled():
        done.exception()


def off_the_loop(work: Callable[[], Result], *, threaded: bool = True) -> "asyncio.Future[Result]":
    """Runs `work` in a daemon thread and returns its result; without `threaded`, in the caller's
    thread."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()
    done.add_done_callback(retrieved)

    def settle(result: Result | None, error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(result)  # type: ignore[arg-type]

    def body(hand_over: Callable[..., object]) -> None:
        try:
            result = work()
        except BaseException as error:
            hand_over(settle, None, error)
        else:
            hand_over(settle, result, None)

    def in_a_thread() -> None:
        with suppress(RuntimeError):  # the loop is closed: the result is not needed
            body(loop.call_soon_threadsafe)

    if threaded:
        threading.Thread(target=in_a_thread, name=NAME, daemon=True).start()
    else:
        body(lambda call, *arguments: call(*arguments))
    return done


def at_work() -> bool:
    """Whether such a thread still runs: then, at exit, the resources that it uses cannot be
    closed."""
    return any(thread.name == NAME for thread in threading.enumerate())
