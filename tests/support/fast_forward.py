"""An event loop that does not sit out a time limit: when nobody has said or done anything for
`SILENCE` seconds, its clock jumps to the next timer.

Peers are real sockets, but tasks of the same loop: what one has sent has then long been heard.
While a thread or another process runs, which may have to wait for a processor, the clock does not
jump.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from functools import wraps
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

from exporter.core import threads
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from tests.support.left_behind import children

SILENCE = 0.05  # seconds; the kernel keeps an acknowledgment back for 0.04
LONGEST = 60.0  # seconds of the loop's time that a test may take: what never ends is no time limit

Ts = TypeVarTuple("Ts")
P = ParamSpec("P")
Result = TypeVar("Result")
_IDLE = (threads.NAME, "asyncio_", "reader_")  # names of threads that run nothing but counted jobs


class _Listening(selectors.DefaultSelector):
    """Where the loop would sleep for longer than the silence, its clock jumps."""

    skipped = 0.0  # seconds
    silent = 0.0  # seconds in which no socket was ready and no task had a turn
    working = 0  # jobs of threads that have not ended

    def __init__(self) -> None:
        super().__init__()
        # What earlier tests have left.
        self._threads, self._children = {*threading.enumerate()}, children()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.working:
            self.silent = 0.0
            return super().select(timeout)
        if self.silent < SILENCE and self._others_run():  # in silence nobody starts any
            self.silent = 0.0
            return super().select(timeout)
        real = min(max(SILENCE - self.silent, 0.0), timeout)
        ready = super().select(real)
        if ready:
            self.silent = 0.0
            return ready
        self.silent += real
        self.skipped += timeout - real
        return ready

    def _others_run(self) -> bool:
        """Threads, except idle ones, or child processes."""
        begun = {*threading.enumerate()} - self._threads
        busy = any(not thread.name.startswith(_IDLE) for thread in begun)
        return busy or threads.at_work() or bool(children() - self._children)


class FastForwardLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._listening = _Listening()
        super().__init__(self._listening)

    def time(self) -> float:
        return super().time() + self._listening.skipped

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """What it calls may send something, unless it only looks at the clock."""

        def breaks_silence(*given: *Ts) -> None:
            self._listening.silent = 0.0
            callback(*given)

        quiet = getattr(callback, "__func__", None) is FairTimeout._tick
        return super().call_at(when, callback if quiet else breaks_silence, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Result], *args: object
    ) -> asyncio.Future[Result]:
        job: asyncio.Future[Result] = super().run_in_executor(executor, func, *args)
        self._listening.working += 1
        job.add_done_callback(self._has_ended)
        return job

    def _has_ended(self, job: asyncio.Future[Any]) -> None:
        self._listening.working -= 1


def clock() -> Clock:
    """Its monotonic time is that of the running loop, which may be any other."""
    return Clock(monotonic=asyncio.get_running_loop().time)


def fast_forward(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test on such a loop. What it awaits is made in the test, not in a fixture."""

    async def in_time(*args: P.args, **kwargs: P.kwargs) -> None:
        async with asyncio.timeout(LONGEST):
            await test(*args, **kwargs)

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=FastForwardLoop) as runner:
            runner.run(in_time(*args, **kwargs))

    return run
