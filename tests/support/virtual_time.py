"""Virtual time: an event loop whose clock jumps to the next timer, so that ten minutes of waiting
take no time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from exporter.core.timing.clock import Clock


class VirtualRig(Protocol):
    """What a test is made on; it is made and closed in virtual time."""

    async def close(self) -> None: ...


Result = TypeVar("Result")
SomeRig = TypeVar("SomeRig", bound=VirtualRig)
Course = Callable[[SomeRig], Coroutine[Any, Any, None]]
BEGIN = 1_700_000_000.0  # the wall clock when the loop begins


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep, the clock jumps, unless a thread works for it: threads work in
    real time, which is no time here."""

    now = 0.0
    turns = 0  # of the loop
    working = 0  # jobs of threads that have not ended

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        ready = super().select(0)
        if not ready and timeout != 0 and self.working:
            return super().select(None)  # the end of a job wakes the loop
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: every task waits, and no timer runs")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.computed = 0.0  # seconds
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # After 194 days a nanosecond is less than the next number, and a timer would never be due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumping.now

    @property
    def turns(self) -> int:
        """How many it has made."""
        return self._jumping.turns

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Result], *args: object
    ) -> asyncio.Future[Result]:
        job: asyncio.Future[Result] = super().run_in_executor(executor, func, *args)
        self._jumping.working += 1
        job.add_done_callback(self._has_ended)
        return job

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._jumping.working += 1  # a thread waits for the others
        await super().shutdown_default_executor()
        self._jumping.working -= 1

    def _has_ended(self, job: asyncio.Future[Any]) -> None:
        self._jumping.working -= 1

    def stall(self, seconds: float) -> None:
        """Time goes by in which nobody has a turn, as when a callback computes for so long."""
        self.computed += seconds
        self._jumping.now += seconds


def run(course: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(course)


def stall(seconds: float) -> None:
    """The same on the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.stall(seconds)


def clock() -> Clock:
    """The clock of the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return Clock(
        monotonic=loop.time, wall=lambda: BEGIN + loop.time(), processor=lambda: loop.computed
    )


def on_a(make: Callable[[], SomeRig]) -> Callable[[Course[SomeRig]], Callable[[], None]]:
    """Makes a test of a course that wants a rig."""

    def decorator(course: Course[SomeRig]) -> Callable[[], None]:
        async def with_rig() -> None:
            rig = make()
            await course(rig)
            await rig.close()

        def test() -> None:
            run(with_rig())

        test.__name__ = course.__name__
        return test

    return decorator
