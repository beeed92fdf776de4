"""Every row of docs/faults.md's first table is made, and a whole trip says exactly what the table
says."""

from dataclasses import dataclass, replace

import pytest

from exporter.core.model import Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope
from tests.atlas.faults import FAULTS
from tests.atlas.running import run_all
from tests.atlas.table import Fault, Known, Verdict
from tests.atlas.world import RESOLVER_TIMEOUT, SESSION_TIMEOUT, World
from tests.lab.client import Lab

ROWS = [fault for group in FAULTS.values() for fault in group]
# The first test waits for the trips of all.
pytestmark = [pytest.mark.timeout(300), pytest.mark.first]


@dataclass(frozen=True, slots=True)
class Result:
    """What has become of a row."""

    outcome: Outcome
    timeout: float  # seconds
    foreseen: tuple[tuple[Phase, Reason], ...]  # the failures whose counters exist from the start


async def course(fault: Fault, world: World) -> Result:
    changes = await fault.make(world)
    settings = world.settings(changes)
    scope = settings.scope("trip")
    assert not isinstance(scope, BlocklistScope)
    timeout = settings.modules["trip"].timeout
    return Result(await world.trip(changes), timeout, scope.failures)


@pytest.fixture(scope="module")
def results(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Result | Exception]:
    """What has become of the rows that are asked for."""
    asked_for = {item.name for item in request.session.items}
    rows = [fault for fault in ROWS if any(fault.name in name for name in asked_for)]
    return run_all(rows, lab, tmp_path_factory.mktemp("faults"), course)


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_a_fault_is_named_for_what_it_is(
    results: dict[str, Result | Exception], fault: Fault
) -> None:
    result = results[fault.name]
    if isinstance(result, Exception):
        raise result
    outcome = result.outcome
    verdict = Verdict.of(outcome)
    if verdict and verdict.code and verdict.code == fault.newer_code:
        verdict = replace(verdict, code=fault.verdict.code)
    if verdict and verdict.step and verdict.step == fault.or_step:
        verdict = replace(verdict, step=fault.verdict.step)
    assert str(verdict) == str(fault.verdict), outcome.failure
    assert verdict == fault.verdict, outcome.legs
    assert outcome.failure
    assert outcome.failure.detail
    assert fault.says in outcome.failure.detail
    earliest, latest = bounds(fault.known, result.timeout)
    assert earliest <= outcome.duration < latest
    pair = phase, reason = outcome.failure.phase, outcome.failure.reason
    if phase in reason.phases and reason is not Reason.STARVED:
        assert pair in result.foreseen, "its counter does not exist from the start"


def bounds(known: Known, timeout: float) -> tuple[float, float]:
    """Seconds between which a failure is known. The upper ones are wide, since a busy machine
    proves nothing: a failure that is known by waiting too long has the reason `timeout`, which the
    verdict would show."""
    return {
        Known.AT_ONCE: (0.0, 2 * timeout),
        Known.RESOLVER: (RESOLVER_TIMEOUT, 2 * timeout),
        Known.SESSION: (SESSION_TIMEOUT, 2 * timeout),
        Known.NEWS: (0.0, 2 * timeout),
        Known.TIMEOUT: (timeout, 2 * timeout),
    }[known]


def test_rows_have_names_of_their_own() -> None:
    names = [fault.name for fault in ROWS]
    assert len(set(names)) == len(names)
