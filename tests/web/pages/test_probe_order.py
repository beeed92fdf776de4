"""The order of the list of probes."""

import re
from dataclasses import replace
from itertools import count

import pytest

from exporter.core.facts import Arrival
from exporter.core.model import ProbeKey
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from exporter.web.pages.probe_order import AT_A_TIME, Order, ordered
from tests.support.happened_trips import WHY, happened, trip
from tests.support.http_site import site
from tests.support.pauses import at_once, with_pauses
from tests.web.pages.test_probe_list import NoCheck
from tests.web.test_pages import FAILED

TRIPS = count()


def probe(name: str, *, failed: float | None = None, delay: float | None = None) -> Probe:
    """One that fails since then, or has that delay, or has no result."""
    one = Probe(ProbeKey("m", f"{name}@example.org"), NoCheck(), Schedule(300), 600, 30, name)
    trip = f"{next(TRIPS):014x}"
    if failed is not None:
        outcome = replace(FAILED, trip=trip, probe=one.key, started_at=failed)
        one.show(outcome)
        one.outages.add(outcome, failed, failed)
    elif delay is not None:
        arrival = Arrival("INBOX", "header", delay, delay)
        one.show(replace(FAILED, trip=trip, probe=one.key, failure=None, facts=(arrival,)))
    return one


PROBES = [
    probe("d", delay=1.0),
    probe("B", failed=100.0),
    probe("a"),
    probe("e", failed=200.0),
    probe("C", delay=2.0),
]

AVAILABILITIES = {PROBES[3].key: 0.5, PROBES[1].key: 0.9, PROBES[4].key: 0.999}


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (Order.STATE, "BedaC"),
        (Order.OUTAGE, "eBdaC"),
        (Order.NAME, "aBCde"),
        (Order.DELAY, "CdBae"),
        (Order.AVAILABILITY, "eBCda"),
    ],
)
def test_the_order_is_what_was_asked_for(order: Order, names: str) -> None:
    for most in (9, 2):
        found = at_once(ordered(PROBES, order, most, AVAILABILITIES))
        assert "".join(one.called for one in found) == names[:most]


@pytest.mark.parametrize("order", Order)
def test_many_probes_are_sorted_in_turns_and_stably(order: Order) -> None:
    many = PROBES * (4 * AT_A_TIME // len(PROBES))
    found, pauses = with_pauses(ordered(many, order, len(many), AVAILABILITIES))
    same = len(many) // len(PROBES)
    alike = {  # probes that are equal in the order
        Order.STATE: ["Be", "daC"],
        Order.OUTAGE: ["e", "B", "daC"],
        Order.NAME: [*"aBCde"],
        Order.DELAY: ["C", "d", "Bae"],
        Order.AVAILABILITY: ["e", "B", "C", "d", "a"],
    }
    assert "".join(one.called for one in found) == "".join(one * same for one in alike[order])
    assert pauses >= 8


async def test_the_start_page_lists_the_lowest_availability_first() -> None:
    """By the outages in the state, also of a probe that works again."""
    async with site() as here:
        now = here.rig.clock.wall()
        for name, failing in (("short", (100,)), ("never", ()), ("long", (0, 100))):
            key = ProbeKey("submission", f"{name}@example.org")
            for number, at in enumerate((0, 100, 200)):
                made = trip(number, WHY if at in failing else None, key)
                await happened(
                    here, replace(made, trip=f"{next(TRIPS):014x}", started_at=now - 300 + at)
                )
        for order, names in (("availability", "long short never"), ("name", "long never short")):
            page = (await here.get(f"/?order={order}"))[1]
            rows = re.findall(r'<td class="name"><a [^>]*>(\w+)@example', page)
            assert rows == names.split()
