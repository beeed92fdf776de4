"""Before a trip is overdue, a session that relies on announcements looks for itself."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import Rechecking, Sighting
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.watcher_rig import WatcherRig, message


class _Silent(PretendSession, Rechecking):
    """Shows messages only when it doubts the server."""

    def __init__(self, mailbox: PretendMailbox, trace: Trace) -> None:
        super().__init__(mailbox, trace)
        self.rechecks: list[float] = []
        self._looks = False

    def recheck(self) -> None:
        self.rechecks.append(self._trace.now())
        self._looks = True

    async def scan(self) -> list[Sighting]:
        looks, self._looks = self._looks, False
        return await super().scan() if looks else []


class _Mailbox(PretendMailbox):
    session: _Silent

    async def open(self, trace: Trace, wanted: object) -> _Silent:
        self.open_now += 1
        self.session = _Silent(self, trace)
        return self.session


class _SilentRig(WatcherRig):
    def __init__(self) -> None:
        super().__init__()
        self.silent = self.mailbox = _Mailbox()
        self.watcher.configure(self.mailbox, 30)


@pytest.mark.parametrize("timeout", [2.0, 8.0, 600.0])
def test_the_last_look_before_the_verdict_is_a_thorough_one(timeout: float) -> None:
    @virtual.on_a(_SilentRig)
    async def course(rig: _SilentRig) -> None:
        token, run = rig.trip()
        began = run.now()
        async with run.deadline(timeout):
            with rig.watcher.expect(token.trip, run) as expected:
                await expected.ready()
                run.accept()
                rig.mailbox.deliver(message(token))
                await expected.arrival()
                assert run.time_left() <= 5.0
                await expected.delete()
        assert run.now() - began < timeout
        assert len(rig.silent.session.rechecks) == 1

    course()


@virtual.on_a(_SilentRig)
async def test_each_trip_gets_one_thorough_look(rig: _SilentRig) -> None:
    async def one(timeout: float) -> None:
        token, run = rig.trip()
        with pytest.raises(ProbeError):
            async with asyncio.timeout(timeout + 1), run.deadline(timeout):
                with rig.watcher.expect(token.trip, run) as expected:
                    await expected.ready()
                    run.accept()
                    await expected.arrival()

    await asyncio.gather(one(20), one(60), one(60))
    assert len(rig.silent.session.rechecks) == 2
