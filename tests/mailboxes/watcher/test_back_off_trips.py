"""Whole trips whose mailbox cannot be opened."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig


@pytest.mark.parametrize("timeout", [30.0, 29.0, 31.0, 45.0])
def test_the_cause_of_a_dead_mailbox_is_told_whichever_time_limit_ends_the_trip(
    timeout: float,
) -> None:
    """`timeout` may be equal to `session_timeout`, which is 30 s here."""

    async def course() -> None:
        rig = ProberRig()
        rig.probe.timeout = timeout
        rig.mailbox.down = ProbeError(
            Reason.CONNECT, "cannot connect to 192.0.2.1:993: connection refused"
        )
        outcome = await rig.trip()
        assert outcome.failure
        assert (outcome.failure.phase, outcome.failure.step) == (Phase.OPEN, Step.CONNECT)
        assert outcome.failure.reason is Reason.CONNECT
        assert "connection refused" in outcome.failure.detail
        assert outcome.legs[Leg.MAILBOX] is False
        await rig.close()

    virtual.run(course())


def test_a_mailbox_that_hangs_is_told_with_the_step_it_hangs_in() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.probe.timeout = 30.0
        rig.mailbox.hangs = True
        outcome = await rig.trip()
        assert outcome.failure
        assert (outcome.failure.step, outcome.failure.reason) == (Step.CONNECT, Reason.TIMEOUT)
        await rig.close()

    virtual.run(course())


@virtual.on_a(ProberRig)
async def test_trouble_that_was_got_over_is_not_told_of_what_hangs_later(rig: ProberRig) -> None:
    rig.probe.timeout = 30.0
    rig.mailbox.down = ProbeError(Reason.TLS, "expired")
    await rig.trip()
    rig.mailbox.down = None
    rig.sender.effort = 1000
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.phase is Phase.SEND
    assert "expired" not in str(outcome.failure)
