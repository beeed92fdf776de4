"""Work in a separate thread. The program does not wait for it at exit: a disk may stall for
ever."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

NAME = "aside"
Result = TypeVar("Result")


class Job(Generic[Result]):
    """A piece of work, whose result the event loop that made it receives in `done`."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Result] = self._loop.create_future()

    def run_here(self) -> None:
        self._run(lambda settle, *outcome: settle(*outcome))

    def run_aside(self) -> None:
        """In a thread of its own or a worker's."""
        try:
            with suppress(RuntimeError):  # the loop is closed: the result is not needed
                self._run(self._loop.call_soon_threadsafe)
        finally:
            _aside.discard(self)

    def _run(self, hand_over: Callable[..., object]) -> None:
        try:
            result = self._work()
        except BaseException as error:
            hand_over(self._settle, None, error)
        else:
            hand_over(self._settle, result, None)

    def _settle(self, result: Result | None, error: BaseException | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(result)  # type: ignore[arg-type]
            self.done.exception()  # counts as retrieved: it may never be awaited


_aside: set[Job[Any]] = set()
"""The jobs of threads that have not ended."""


class Worker:
    """A daemon thread that runs one job after the other. It starts with the first job, since
    another thread for each of many short jobs costs more than they do."""

    def __init__(self) -> None:
        self._jobs = SimpleQueue[Job[Any] | None]()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        """The result of `work`."""
        job = Job(work)
        _aside.add(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=NAME, daemon=True)
            self._thread.start()
        self._jobs.put(job)
        return job.done

    def stop(self) -> None:
        """Ends the thread after the jobs that it has."""
        self._jobs.put(None)
        self._thread = None

    def _work(self) -> None:
        while job := self._jobs.get():
            job.run_aside()
            del job  # it may hold much, and the next one may take long to come


def off_the_loop(work: Callable[[], Result], *, threaded: bool = True) -> "asyncio.Future[Result]":
    """Runs `work` in a daemon thread and returns its result; without `threaded`, in the caller's
    thread."""
    job = Job(work)
    if threaded:
        _aside.add(job)
        threading.Thread(target=job.run_aside, name=NAME, daemon=True).start()
    else:
        job.run_here()
    return job.done


def at_work() -> bool:
    """Whether a thread still works: then, at exit, the resources that it uses cannot be closed."""
    return bool(_aside)
