"""The rows of the start page about mailboxes."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.web.pages.mailboxes import MailboxRow, mailbox_rows
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.time_zone import UTC_ZONE
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


def row(rig: WatcherRig) -> MailboxRow:
    (one,) = mailbox_rows({rig.watcher.name: rig.watcher}, {}, rig.clock.wall(), UTC_ZONE)
    return one


@virtual.on_a(WatcherRig)
async def test_a_mailbox_is_connected_since_a_trip_needed_it(rig: WatcherRig) -> None:
    assert (row(rig).state, row(rig).word, row(rig).since) == (PLAIN, "not connected", None)
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        opened = rig.clock.wall()
        await asyncio.sleep(5)
        assert (row(rig).state, row(rig).word, row(rig).since) == (GOOD, "connected", opened)
        assert row(rig).waiting == 1


@virtual.on_a(WatcherRig)
async def test_a_failing_mailbox_says_since_when_and_when_it_is_tried_next(rig: WatcherRig) -> None:
    rig.mailbox.down = ProbeError(Reason.CONNECT, "refused")
    began = rig.clock.wall()
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run):
        await asyncio.sleep(100)
        failing = row(rig)
        assert (failing.state, failing.word, failing.text) == (BAD, "failing", "connect: refused")
        assert failing.since == pytest.approx(began, abs=0.2)
        assert failing.reconnects > 3
        assert failing.next_attempt.startswith('at <time datetime="2023-11-14T22:')
        assert failing.next_attempt.endswith(" s), or with the next trip")
    assert row(rig).next_attempt == "with the next trip"


@virtual.on_a(WatcherRig)
async def test_after_a_refused_login_no_trip_shortens_the_pause(rig: WatcherRig) -> None:
    rig.mailbox.down = ProbeError(Reason.AUTH, "no such user")
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run):
        await asyncio.sleep(10)
    expected = f"with a trip, not before {UTC_ZONE.moment(1_700_000_060.0)} (in 50 s)"
    assert row(rig).next_attempt == expected
