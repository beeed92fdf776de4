"""The rows of the start page about mailboxes."""

import asyncio
import re
from copy import copy
from typing import Any, cast

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.watcher.back_off import Trouble
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.web.pages.mailboxes import MailboxRow, mailbox_rows
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.time_zone import UTC_ZONE
from tests.support import virtual_time as virtual
from tests.support.http_site import site, words_of
from tests.support.watcher_rig import WatcherRig

TROUBLE = Trouble(ProbeError(Reason.CONNECT, "refused"), 0.0, 60.0, 0.0, 0.0)


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


@pytest.mark.parametrize(
    ("page", "first", "count"), [(1, "box149", 100), (2, "box099", 50), (9, "box099", 50)]
)
async def test_all_mailboxes_are_on_pages_of_their_own_those_that_fail_first(
    page: int, first: str, count: int
) -> None:
    async with site() as here:
        one = here.rig.watchers.pop("monitor")
        here.rig.watchers.pop("sender")
        for number in range(150):
            here.rig.watchers[f"box{number:03}"] = watcher = copy(one)
            watcher.name = f"box{number:03}"
            watcher.trouble = TROUBLE if number == 149 else None
        status, text = await here.get(f"/mailboxes?page={page}")
        start = (await here.get("/"))[1]
        assert (await here.get("/mailboxes?page=x"))[0] == 400
    names = re.findall('href="mailboxes/(box[0-9]+)"', text)
    assert (status, names[0], len(names)) == (200, first, count)
    assert "1 of 150 failing" in words_of(text)
    assert f"page {min(page, 2)} of 2" in words_of(text)
    assert ('rel="next"' in text, 'rel="prev"' in text) == (page == 1, page > 1)
    assert re.findall('href="mailboxes/(box[0-9]+)"', start)[:2] == ["box149", "box000"]
    assert 'more: <a href="mailboxes">all mailboxes</a>, 1 of them failing' in start
    assert "50 more: all mailboxes , 1 of them failing" in words_of(start)


class Seen:
    """A mailbox that counts how often somebody looks whether it fails."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.times = 0

    @property
    def trouble(self) -> Trouble | None:
        self.times += 1
        return self._watcher.trouble

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watcher, name)


@pytest.mark.slow
async def test_requests_at_the_same_time_share_the_page_of_all_mailboxes() -> None:
    async with site() as here:
        one = here.rig.watchers["monitor"]
        for number in range(100):
            here.rig.watchers[f"box{number:03}"] = copy(one)
        seen = Seen(one)
        here.rig.watchers["monitor"] = cast("Watcher", seen)
        await here.get("/mailboxes")
        once = seen.times
        answers = await asyncio.gather(*(here.get("/mailboxes") for _ in range(50)))
        assert {status for status, _ in answers} == {200}
        assert seen.times <= 20 * once
