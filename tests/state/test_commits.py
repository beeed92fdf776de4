"""What becomes of changes when the disk refuses, stalls, or is well."""

import asyncio
import os
import random
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import ProbeKey
from exporter.state import schema as state_file
from exporter.state.commit_callbacks import Tell
from exporter.state.commits import GATHER, PATIENCE, SOON, Commits
from exporter.state.queue import MOST_AT_ONCE
from exporter.state.schema import StateUnusable
from exporter.state.store import Store
from exporter.state.transaction import Change
from exporter.state.trip import State
from exporter.state.trouble import RETRY
from tests.state.test_store import OUTCOME, TRIP
from tests.support import virtual_time as virtual
from tests.support.balky_disk import Balky, balky


def note(number: int) -> Change:
    return lambda c: c.execute(
        "INSERT INTO outcomes VALUES ('m', ?, ?, '', NULL, '')", (str(number), number)
    )


def noted(connection: sqlite3.Connection) -> list[int]:
    return [
        int(number)
        for (number,) in sqlite3.Connection.execute(
            connection, "SELECT finished_at FROM outcomes ORDER BY finished_at"
        )
    ]


def impossible(kind: int) -> Change:
    """Changes that no disk can write, each in its own way."""

    def raises(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO outcomes VALUES ('m', 'half', 99, '', NULL, '')")
        raise ZeroDivisionError

    changes: list[Change] = [
        lambda c: c.execute("INSERT INTO outcomes VALUES ('m', ?, 0, '', NULL, '')", ("\udcff",)),
        lambda c: c.execute("INSERT INTO outcomes VALUES ('m', ?, 0, '', NULL, '')", (object(),)),
        lambda c: c.execute("INSERT INTO outcomes VALUES ('m', ?, 0, '', NULL, '')", (1 << 70,)),
        lambda c: c.execute("INSERT INTO outcomes VALUES ('m', ?, NULL, '', NULL, '')", ("null",)),
        lambda c: c.execute("INSERT INTO nothing VALUES (1)"),
        lambda c: c.execute("no SQL at all"),
        lambda c: c.execute("SELECT ?", (1, 2)),
        raises,
    ]
    return changes[kind % len(changes)]


def test_a_change_that_is_impossible_is_given_up_alone_and_all_others_are_written() -> None:
    async def course() -> None:
        connection, rng = balky(), random.Random(5)
        commits = Commits(connection, threaded=False)
        told: dict[int, str] = {}
        good = [number for number in range(60) if rng.random() < 0.7]
        changes = [note(number) if number in good else impossible(number) for number in range(60)]
        dones = [
            commits.add(change, tell=told_in(told, number)) for number, change in enumerate(changes)
        ]
        await asyncio.wait(dones)
        assert noted(connection) == good
        assert {number for number, done in enumerate(dones) if done.exception()} == set(
            range(60)
        ) - set(good)
        assert {number for number, why in told.items() if not why} == set(good)
        assert len(told) == 60
        await commits.close()

    virtual.run(course())


def told_in(told: dict[int, str], number: int) -> Tell:
    def tell(why: str) -> None:
        assert number not in told, "it is told once"
        told[number] = why

    return tell


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_IOERR | 1 << 8,
        sqlite3.SQLITE_READONLY,
    ],
)
@pytest.mark.parametrize("words", [("BEGIN",), ("COMMIT",), ("INSERT",)])
def test_what_the_disk_refuses_is_kept_and_written_in_its_order_when_it_can_be(
    code: int, words: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    async def course() -> None:
        connection = balky()
        commits = Commits(connection, threaded=False)
        told: dict[int, str] = {}
        commits.add(note(0))
        await asyncio.sleep(0.1)
        connection.refuses, connection.words = code, words
        first = commits.add(note(1), tell=told_in(told, 1))
        with pytest.raises(StateUnusable, match="could not be written"):
            await commits.wait(first)
        await asyncio.sleep(PATIENCE + RETRY / 2)
        last = commits.add(note(2), tell=told_in(told, 2))
        assert noted(connection) == [0]
        assert "full" in told[1]
        connection.refuses = 0
        await commits.wait(last)
        assert first.done()
        assert noted(connection) == [0, 1, 2]
        assert told[2] == ""
        await commits.close()

    virtual.run(course())
    troubles = [record for record in caplog.records if "retrying every" in record.message]
    assert len(troubles) == 1, "said once, and not with every attempt"
    assert "delayed changes written: 2" in caplog.text


def test_a_disk_that_is_full_for_good_keeps_nobody_waiting_and_the_end_says_what_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course() -> None:
        connection = balky()
        commits = Commits(connection, threaded=False)
        connection.refuses = sqlite3.SQLITE_FULL
        loop, told = asyncio.get_running_loop(), dict[int, str]()
        for number in range(3):
            began = loop.time()
            with pytest.raises(StateUnusable, match="full"):
                await commits.wait(commits.add(note(number), tell=told_in(told, number)))
            assert loop.time() - began <= PATIENCE
        await commits.close()
        assert len(told) == 3

    virtual.run(course())
    assert "changes lost: 3" in caplog.text


def test_what_waits_is_bounded_and_evidence_goes_first(caplog: pytest.LogCaptureFixture) -> None:
    async def course() -> None:
        connection = balky()
        commits = Commits(connection, threaded=False)
        connection.refuses = sqlite3.SQLITE_FULL
        for number in range(3 * MOST_AT_ONCE):
            commits.add(note(number), weight=1 << 20 if number % 2 else 0)
        await asyncio.sleep(RETRY / 2)
        connection.refuses = 0
        await asyncio.sleep(2 * RETRY)
        kept = noted(connection)
        assert {number for number in kept if number % 2 == 0} == set(range(0, 3 * MOST_AT_ONCE, 2))
        assert sum(number % 2 for number in kept) == 16
        assert kept[-1] == 3 * MOST_AT_ONCE - 1
        await commits.close()

    virtual.run(course())
    assert "changes dropped: " in caplog.text


async def test_a_disk_that_does_not_answer_holds_up_neither_the_loop_nor_the_end() -> None:
    connection = balky()
    connection.flowing = threading.Event()
    commits = Commits(connection, threaded=True)
    done = commits.add(note(1))
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(0.05)
    assert not done.done()
    assert asyncio.get_running_loop().time() - began < 1
    connection.flowing.set()
    await commits.wait(done)
    connection.flowing.clear()
    commits.add(note(2))
    ending = asyncio.create_task(commits.close())
    await asyncio.sleep(0.05)
    assert not ending.done()
    connection.flowing.set()
    assert await ending


async def test_what_is_committed_is_told_before_the_disk_is_waited_for_and_done_after_it() -> None:
    """A process that is killed while it waits for the disk has committed: it must have said so."""
    events: list[str] = []
    connection = balky()
    commits = Commits(connection, threaded=False, sync=lambda: events.append("sync"))
    done = commits.add(note(1), tell=lambda why: events.append(f"told {why}"))
    done.add_done_callback(lambda _: events.append("done"))
    await commits.wait(done)
    await asyncio.sleep(0)
    assert events == ["told ", "sync", "done"]
    await commits.close()


async def test_a_disk_that_cannot_confirm_a_write_does_not_cause_a_second_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> None:
        raise OSError(5, "Input/output error")

    connection = balky()
    commits = Commits(connection, threaded=False, sync=fails)
    await commits.wait(commits.add(note(1)))
    await commits.wait(commits.add(note(2)))
    assert noted(connection) == [1, 2]
    assert "Input/output error" in caplog.text
    await commits.close()


def test_the_end_does_not_wait_for_ever_for_a_disk_that_does_not_answer() -> None:
    stalled = threading.Event()

    async def course() -> None:
        connection = balky()
        connection.flowing = stalled
        commits = Commits(connection, threaded=True)
        told: dict[int, str] = {}
        done = commits.add(note(1), tell=told_in(told, 1))
        with pytest.raises(StateUnusable, match="no answer from the disk within 5 s"):
            await commits.wait(done)
        assert "no answer" in told[1]
        assert not await commits.close(), "the connection is in use, and must not be closed"

    virtual.run(course())
    stalled.set()


async def test_a_locked_file_is_waited_for_and_what_waited_is_written(tmp_path: Path) -> None:
    connection, lock = state_file.in_directory(tmp_path)
    commits = Commits(connection, threaded=True)
    with closing(sqlite3.connect(tmp_path / state_file.FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = commits.add(note(1))
        await asyncio.sleep(0.2)
        other.execute("ROLLBACK")
    await commits.wait(done)
    assert noted(connection) == [1]
    await commits.close()
    connection.close()
    os.close(lock)


class Counting(Balky):
    """Counts what makes a change cost time."""

    commits = statements = 0

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        self.statements += 1
        self.commits += sql == "COMMIT"
        return super().execute(sql, *parameters)


def counting() -> Counting:
    connection = state_file.in_memory(Counting)
    assert isinstance(connection, Counting)
    connection.commits = connection.statements = 0
    return connection


class HopLoop(asyncio.SelectorEventLoop):
    """Counts how often a thread hands something over to the loop."""

    hops = 0

    def call_soon_threadsafe(self, *arguments: Any, **more: Any) -> asyncio.Handle:  # type: ignore[override]
        self.hops += 1
        return super().call_soon_threadsafe(*arguments, **more)


async def end_to_end(store: Store, trip: str) -> None:
    """What a trip that succeeds has written."""
    record = replace(TRIP, id=trip, probe=ProbeKey("m", trip))
    await store.record(record)
    store.save_acceptance(record, lambda why: None)
    verdict = replace(OUTCOME, trip=trip, probe=record.probe, failure=None)
    await store.save_verdict(verdict)
    store.settle(trip, State.ARRIVED)
    store.finished(verdict)


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("trips", [1, 10, 256])
def test_trips_at_the_same_time_share_three_commits_and_the_loop_waits_for_no_other_hop(
    trips: int, threaded: bool
) -> None:
    """One before their messages leave, one before they are deleted, one for how they ended."""

    async def course() -> None:
        connection, loop = counting(), asyncio.get_running_loop()
        assert isinstance(loop, HopLoop)
        store = Store(connection, None, None, threaded)
        await asyncio.gather(*(end_to_end(store, str(number)) for number in range(trips)))
        assert len(await store.recent(None, 1000)) == trips
        reading = int(threaded)
        assert (connection.commits, loop.hops) == (3, (3 + reading) * threaded)
        assert connection.statements <= 3 * 2 + trips * 8 + 1
        await store.close()

    with asyncio.Runner(loop_factory=HopLoop) as runner:
        runner.run(course())


def test_ten_trips_a_second_have_one_commit_each() -> None:
    """With the start of one, the verdict of the one before it and how an earlier one ended."""

    async def course() -> None:
        connection, trips = counting(), set[asyncio.Task[None]]()
        store = Store(connection, None, None, threaded=False)
        for number in range(10):
            trips.add(asyncio.create_task(end_to_end(store, str(number))))
            await asyncio.sleep(GATHER)
        await asyncio.sleep(2 * GATHER)
        assert connection.commits == 10 + 3
        await store.close()

    virtual.run(course())


def test_only_the_first_commit_that_is_awaited_is_made_at_once_and_others_follow_in_a_rhythm() -> (
    None
):
    async def course() -> None:
        connection, loop = counting(), asyncio.get_running_loop()
        commits = Commits(connection, threaded=False)
        began, ends = loop.time(), list[float]()

        async def waits(number: int) -> None:
            await asyncio.sleep(0.3 * number * GATHER)
            await commits.wait(commits.add(note(number)))
            ends.append((loop.time() - began) / GATHER)

        await asyncio.gather(*map(waits, range(8)))
        assert ends == pytest.approx([0, 1, 1, 1, 2, 2, 2, 3])
        await asyncio.sleep(GATHER / 2)
        before = loop.time()
        await commits.wait(commits.add(note(8)))
        assert loop.time() == pytest.approx(before + GATHER / 2)
        await asyncio.sleep(2 * GATHER)
        before = loop.time()
        await commits.wait(commits.add(note(9)))
        assert (loop.time(), connection.commits) == (before, 6)
        await commits.close()

    virtual.run(course())


async def test_what_comes_during_a_commit_shares_the_next_one() -> None:
    connection = counting()
    connection.flowing = threading.Event()
    commits = Commits(connection, threaded=True)
    first = asyncio.create_task(commits.wait(commits.add(note(0))))
    await asyncio.sleep(0.05)
    others = [asyncio.create_task(commits.wait(commits.add(note(n)))) for n in range(1, 100)]
    connection.flowing.set()
    await asyncio.gather(first, *others)
    assert noted(connection) == list(range(100))
    assert connection.commits == 2
    await commits.close()


def test_what_nobody_waits_for_is_committed_with_what_somebody_waits_for_or_a_little_later() -> (
    None
):
    async def course() -> None:
        connection, loop = counting(), asyncio.get_running_loop()
        commits = Commits(connection, threaded=False)
        began = loop.time()
        for number in range(3):
            commits.add(note(number))
        await asyncio.sleep(SOON)
        assert connection.commits == 0
        await commits.wait(commits.add(note(3)))
        assert (noted(connection), connection.commits) == ([0, 1, 2, 3], 1)
        assert loop.time() == began + SOON
        commits.add(note(4))
        shown = commits.add(note(5), within=SOON)
        await asyncio.wait({shown})
        assert loop.time() == pytest.approx(began + 2 * SOON)
        last = commits.add(note(6))
        await asyncio.wait({last})
        assert loop.time() == pytest.approx(began + 2 * SOON + GATHER)
        assert (noted(connection), connection.commits) == (list(range(7)), 3)
        await commits.close()

    virtual.run(course())
