"""Every row of docs/faults.md's second table is made, and the trip is one success all the same."""

import pytest

from tests.atlas.harmless import DISTURBANCES
from tests.atlas.running import run_all
from tests.atlas.table import Disturbance, Series
from tests.atlas.world import World
from tests.lab.client import Lab

ROWS = [row for group in DISTURBANCES.values() for row in group]
COUNTED = ("late", "lost", "duplicates", "bounces", "unclear", "junk", "retries")
LEGS = ("send", "mailbox", "delivery")
pytestmark = pytest.mark.timeout(300)  # the first test waits for the trips of all


async def course(row: Disturbance, world: World) -> Series:
    return await row.course(world)


@pytest.fixture(scope="module")
def results(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Series | Exception]:
    """What has become of the rows that are asked for."""
    asked_for = {item.name for item in request.session.items}
    rows = [row for row in ROWS if any(row.name in name for name in asked_for)]
    return run_all(rows, lab, tmp_path_factory.mktemp("harmless"), course)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_harmless_raises_no_alarm(
    results: dict[str, Series | Exception], row: Disturbance
) -> None:
    series = results[row.name]
    if isinstance(series, Exception):
        raise series
    assert series["mailtrip_success"] == series["mailtrip_trips_total"] == 1
    assert not any(
        value for name, value in series.items() if name.startswith("mailtrip_failures_total")
    )
    assert not any(name.startswith("mailtrip_last_failure_info") for name in series)
    assert {
        leg: series.get(f'mailtrip_leg_success{{leg="{leg}"}}', 1.0) for leg in LEGS
    } == dict.fromkeys(LEGS, 1.0)
    assert {name for name in COUNTED if series.get(f"mailtrip_{name}_total")} == row.counts


def test_rows_have_names_of_their_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
