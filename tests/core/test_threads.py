"""Work that the event loop does not wait for."""

import asyncio
import threading

import pytest

from exporter.core.threads import Worker, at_work, off_the_loop
from tests.support.left_behind import until


async def test_a_worker_runs_many_jobs_in_one_thread_in_their_order_and_ends_when_it_is_told() -> (
    None
):
    worker, threads = Worker(), set[threading.Thread]()
    order: list[int] = []

    def work(number: int) -> int:
        threads.add(threading.current_thread())
        order.append(number)
        return number

    done = [worker.run(lambda number=number: work(number)) for number in range(20)]  # type: ignore[misc]
    assert await asyncio.gather(*done) == order == list(range(20))
    (thread,) = threads
    assert thread is not threading.current_thread()
    worker.stop()
    await until(lambda: not thread.is_alive())


async def test_an_error_is_the_result_of_its_job_alone() -> None:
    worker = Worker()
    bad, good = worker.run(lambda: 1 // 0), worker.run(lambda: 1)
    with pytest.raises(ZeroDivisionError):
        await bad
    assert await good == 1
    worker.stop()


async def test_a_thread_is_at_work_only_while_it_has_a_job() -> None:
    worker, flowing = Worker(), threading.Event()
    for run in (worker.run, off_the_loop):
        done = run(flowing.wait)
        assert at_work()
        flowing.set()
        await done
        await until(lambda: not at_work())
        flowing.clear()
    worker.stop()
