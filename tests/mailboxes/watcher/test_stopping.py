"""What becomes of messages that are seen while mailtrip stops, in virtual time, and how long it
takes."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from exporter.app import TIME_TO_STOP, App
from exporter.commands.serve import leave_in_time
from exporter.core.timing.clock import Clock
from exporter.net.sasl.scram import Scram
from exporter.settings import Settings
from tests.probing.test_restart import resumed
from tests.support import virtual_time as virtual
from tests.support.balky_disk import balky, store_on
from tests.support.pretend import PretendMailbox
from tests.support.prober_rig import ProberRig

pytestmark = pytest.mark.slow


def test_a_message_that_is_seen_while_we_stop_is_neither_double_nor_awaited_in_vain(
    tmp_path: Path,
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path, PretendMailbox(listens=True))
        first.watchers["monitor"].start()
        first.prober.start(first.probe)
        await asyncio.sleep(3)
        await first.prober.abandon(first.probe)
        await asyncio.sleep(400)
        assert first.mailbox.messages == {}
        assert first.series()["mailtrip_duplicates_total"] == 0
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await second.close()

    virtual.run(course())


def test_a_message_that_is_seen_while_we_stop_is_left_for_the_next_start(tmp_path: Path) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 20
        first.prober.start(first.probe)
        await asyncio.sleep(10)
        other = first.prober.start(first.probe)  # because of which the mailbox is watched on
        await asyncio.sleep(3)
        flights = list(first.probe.flights.values())
        flights[0].cancel()
        await asyncio.wait([flights[0]])
        await other
        assert len(first.mailbox.messages) == 1
        await first.close()
        second = resumed(ProberRig(tmp_path, first.mailbox))
        (flight,) = second.probe.flights.values()
        assert (await flight).success
        assert second.series()["mailtrip_duplicates_total"] == 0
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


SETTINGS = b"""
mailboxes: {m: {maildir: {path: /nowhere}}}
modules: {a: {targets: ["*"], roundtrip: {from: a@example.org, mailbox: m,
    send: {sendmail: {path: /nowhere}}}}}
probes:
  - {name: one, module: a, target: one@example.org}
  - {name: two, module: a, target: two@example.org}
"""


@pytest.mark.parametrize("reading", [False, True])
def test_a_disk_that_stalls_does_not_hold_up_the_end(reading: bool) -> None:
    flowing = threading.Event()

    async def course() -> None:
        loop, connection = asyncio.get_running_loop(), balky()
        connection.flowing = flowing
        clock = Clock(loop.time, loop.time)
        async with App(
            Settings.parse(SETTINGS, "f"), store_on(connection), bytes(32), clock=clock
        ) as app:
            flights = [app.prober.start(probe) for probe in app.probes.named]
            await asyncio.sleep(1)
            assert not any(flight.done() for flight in flights), "they wait for the disk"
            asking = [asyncio.ensure_future(app.store.recent(None, 1))] if reading else []
            told = loop.time()
            app.stop_by = told + TIME_TO_STOP
        assert loop.time() - told <= TIME_TO_STOP
        assert all(flight.cancelled() for flight in flights)
        await asyncio.gather(*asking, return_exceptions=True)

    virtual.run(course())
    flowing.set()


async def test_what_does_not_end_in_time_is_left(caplog: pytest.LogCaptureFixture) -> None:
    left = threading.Event()
    statuses: list[int] = []

    def leave(status: int) -> None:
        statuses.append(status)
        left.set()

    leave_in_time(0.01, leave)
    assert await asyncio.to_thread(left.wait, 60)
    assert statuses == [0]
    assert "not everything has stopped 0.01 s after the signal" in caplog.text


def test_a_thread_that_does_not_end_is_left() -> None:
    program = """
import time
from concurrent.futures import ThreadPoolExecutor
from exporter.commands.serve import leave_in_time
leave_in_time(0.1)
ThreadPoolExecutor().submit(time.sleep, 600)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == 0


def test_nobody_waits_for_the_computation_that_a_server_has_asked_for() -> None:
    async def course() -> None:
        scram = Scram("me", "password", "imap.test")
        nonce = scram.initial_response().decode().rpartition("r=")[2]
        first = f"r={nonce}more,s=c2FsdHNhbHRzYWx0c2FsdA==,i=1000000"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await scram.answer(first.encode())

    before = threading.enumerate()
    asyncio.run(course())
    (computing,) = (thread for thread in threading.enumerate() if thread not in before)
    assert computing.daemon
    computing.join()
