"""What the newest trips of all probes say of each blocklist."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from exporter.core.model import Fact, Listing, ListState, QueriedList
from exporter.web.blocklist_status import FACTS, BlocklistStatus, blocklist_statuses

LISTED, CLEAN, UNKNOWN = ListState.LISTED, ListState.CLEAN, ListState.UNKNOWN


@dataclass
class CheckedTrip:
    facts: tuple[Fact, ...]


@dataclass
class CheckedProbe:
    """All that is read of a probe."""

    newest: CheckedTrip | None


def of(*trips: tuple[Fact, ...]) -> list[BlocklistStatus]:
    probes: list[Any] = [CheckedProbe(CheckedTrip(facts)) for facts in trips]
    return asyncio.run(blocklist_statuses(cast(Any, probes)))


def test_a_list_that_answers_is_usable_and_names_whom_it_lists() -> None:
    (status,) = of(
        (
            QueriedList("bl.test", usable=True),
            Listing("bl.test", "192.0.2.1", LISTED, since=5.0),
            Listing("bl.test", "192.0.2.2", CLEAN),
        )
    )
    assert status == BlocklistStatus("bl.test", None, None, {"192.0.2.1": 5.0}, alarming=True)


def test_trouble_has_the_first_words_and_the_earliest_time_of_all_probes() -> None:
    (status,) = of(
        (QueriedList("bl.test", usable=False, why="refused", since=9.0),),
        (Listing("bl.test", "192.0.2.1", UNKNOWN, text="no answer", since=3.0),),
        (QueriedList("bl.test", usable=False, why="later"),),
    )
    assert (status.trouble, status.since) == ("refused", 3.0)
    assert status.listed == {}


def test_a_subject_is_listed_since_the_first_probe_that_saw_it() -> None:
    (status,) = of(
        (Listing("bl.test", "192.0.2.1", LISTED, since=None),),
        (Listing("bl.test", "192.0.2.1", LISTED, since=7.0),),
        (Listing("bl.test", "192.0.2.1", LISTED, since=8.0),),
    )
    assert status.listed == {"192.0.2.1": 7.0}


def test_lists_are_in_the_order_in_which_they_are_found_and_each_has_its_own() -> None:
    first, second = of(
        (Listing("b.test", "192.0.2.1", LISTED, alarming=False),),
        (QueriedList("a.test", usable=False, why="refused"), QueriedList("b.test", usable=True)),
    )
    assert (first.name, first.alarming, first.trouble) == ("b.test", False, None)
    assert (second.name, second.alarming, second.trouble) == ("a.test", True, "refused")


def test_a_probe_without_a_trip_and_many_facts_are_no_trouble() -> None:
    probes: list[Any] = [
        CheckedProbe(None),
        CheckedProbe(CheckedTrip((QueriedList("bl.test", usable=True),) * 3 * FACTS)),
    ]
    assert len(asyncio.run(blocklist_statuses(cast(Any, probes)))) == 1
    assert of() == []
