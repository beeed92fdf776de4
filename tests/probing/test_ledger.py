"""What the ledger costs the state."""

import asyncio

from exporter.app import HOUSEKEEPING
from exporter.probing.ledger import PRUNE_AFTER
from exporter.state.store import Store
from exporter.state.trip import Moment
from tests.support import virtual_time as virtual
from tests.support.balky_disk import balky
from tests.support.prober_rig import ProberRig


class Counted(Store):
    prunings = 0

    def forget_expired(self, now: Moment) -> None:
        self.prunings += 1
        super().forget_expired(now)


def test_the_state_is_pruned_seldom_however_often_trips_expire() -> None:
    """A pruning reads every trip of the last days."""

    async def course() -> None:
        store = Counted(balky(), None, None, threaded=False)
        rig = ProberRig(store=store)
        for _ in range(int(3600 / HOUSEKEEPING)):
            rig.ledger.expire()
            await asyncio.sleep(HOUSEKEEPING)
        assert store.prunings == 3600 / PRUNE_AFTER
        await rig.close()

    virtual.run(course())
