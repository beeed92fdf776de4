"""How long a page, or an answer of the API, keeps others from their turn, with ten thousand probes
in trouble: in processor time, since the machine may be busy."""

import asyncio
import gc
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Outage
from exporter.core.availability.window import Once, Window
from exporter.core.model import Failure, Listing, ListState, Outcome, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.state import days, outages
from exporter.state.store import Store
from exporter.web.pages.probe_list import LONGEST_SEARCH
from tests.support.http_site import Site, site
from tests.support.timed_turns import ATTEMPTS, LONGEST, TimedTurns

PROBES, OUTAGES, DAYS = 10_000, 20_000, 2
DETAIL = "the server said e " + "x" * 280
SLOW_PATTERNS = tuple("*" + "e*" * 20 + f"{number}" for number in range(20))
"""As many as a window may have, which match nothing, but take long to find out."""


WINDOWS = 3
ANSWERS = 3200  # 64 addresses on 50 lists


def key(number: int) -> ProbeKey:
    return ProbeKey("submission", f"{'e' * 40}{number}@example.org")


def failed(number: int, now: float) -> Outcome:
    failure = Failure(Phase.SEND, None, Reason.CONNECT, detail=DETAIL) if number % 4 else None
    return Outcome(f"{number:014x}", key(number), now - number, 1.0, failure=failure)


def outage(number: int, now: float) -> Outage:
    trip, start = f"{number:014x}", now - 3600 - number * 60.0
    end = None if number < PROBES else start + 900
    reasons = ("send/connect", "send/timeout")
    return Outage(
        trip,
        key(number % PROBES),
        start,
        start + 600,
        end,
        3,
        trip,
        trip,
        Leg.SEND,
        reasons,
        0.0,
        planned=False,
    )


def fill(store: Store, now: float) -> None:
    """Every probe has an account, and two outages."""
    connection = store._connection
    connection.execute("BEGIN")
    for number in range(PROBES):
        for day in range(DAYS):
            days.count(connection, failed(number, now - day * days.DAY))
    for number in range(OUTAGES):
        outages.keep(connection, outage(number, now))
    connection.execute("COMMIT")


class ManyProbes:
    """A site with them, on an event loop whose turns are timed."""

    def __init__(self, directory: Path) -> None:
        self._turns = TimedTurns()
        self._runner = asyncio.Runner(loop_factory=self._turns.loop)
        self._stack = AsyncExitStack()
        self.maintenance = Maintenance()
        self.site = self._runner.run(self._open(directory))
        gc.collect()
        gc.freeze()  # as mailtrip does

    async def _open(self, directory: Path) -> Site:
        store = Store.open(directory)
        here = await self._stack.enter_async_context(
            site(store=store, admin=True, maintenance=self.maintenance)
        )
        now = here.rig.clock.wall()
        fill(store, now)
        for number in range(PROBES):
            here.probes.get_or_create(key(number)).show(failed(number, now))
        return here

    def longest_turn(self, path: str) -> float:
        """Of the processor, in seconds, until the answer to a request."""
        return self._runner.run(self._timed(path))

    async def _timed(self, path: str) -> float:
        self._turns.longest = 0.0
        status, _ = await self.site.get(path, Accept_Encoding="identity")
        assert status == 200
        return self._turns.longest

    def with_answers(self, number: int) -> str:
        """A trip that has so many answers of blocklists."""
        listing = Listing(
            "bl.example", "192.0.2.1", ListState.LISTED, ("127.0.0.2",), text="spam " * 20
        )
        outcome = replace(failed(1, time.time()), trip="f" * 14, facts=(listing,) * number)
        self._runner.run(self._finished(outcome))
        return outcome.trip

    async def _finished(self, outcome: Outcome) -> None:
        self.site.probes.find(outcome.probe).show(outcome, inf)
        await self.site.rig.store.finished(outcome)

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()
        gc.unfreeze()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManyProbes]:
    probes = ManyProbes(tmp_path_factory.mktemp("state"))
    yield probes
    probes.close()


def some_letters() -> str:
    """A search for as many words as possible, which all probes have."""
    words = random.choices("elrg", k=LONGEST_SEARCH // 2)
    return "+".join(words)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/?page={page}",
        "/?order=outage&page={page}",
        "/?order=name&page={page}",
        "/?order=delay&page={page}",
        "/?search={search}",
        "/?state=failed&page={page}",
        "/outages?page={page}",
        "/outages?lasting=true&page={page}",
        "/report?page={page}",
        "/report?format=csv",
        "/report?format=json",
        "/trips?module=submission&target={target}",
        "/outages/{trip}",
        "/?order=availability&page={page}",
        "/mailboxes",
        "/mailboxes/monitor",
        "/api/v1/probes?limit=1000&offset={page}",
        "/api/v1/probes?search={search}&offset={page}",
        "/api/v1/outages?limit=1000&offset={page}",
        "/api/v1/trips?limit=1000&offset={page}",
        "/api/v1/outages/{trip}",
        "/api/v1/blocklists?limit=1000&offset={page}",
        "/api/v1/mailboxes?limit=1000&offset={page}",
        "/api/v1/maintenance?limit=1000&offset={page}",
        "/sd",
        "/metrics",
        "/config",
    ],
)
def test_no_turn_takes_more_than_ten_milliseconds_of_the_processor(
    many: ManyProbes, path: str
) -> None:
    shortest = inf
    for page in range(2, 2 + ATTEMPTS):
        values = {"search": some_letters(), "target": key(page).target, "trip": f"{page:014x}"}
        took = many.longest_turn(path.format(page=page, **values))
        shortest = min(shortest, took)
        if shortest < LONGEST:
            return
    assert shortest < LONGEST


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/trips/{trip}", "/api/v1/trips/{trip}", "/", "/api/v1/trips"])
def test_no_turn_takes_longer_if_a_check_has_thousands_of_answers(
    many: ManyProbes, path: str
) -> None:
    """As of a domain with very many addresses, which its owner chooses."""
    trip = many.with_answers(ANSWERS)
    turns = [many.longest_turn(path.format(trip=trip)) for _ in range(ATTEMPTS)]
    assert min(turns) < LONGEST


@pytest.mark.slow
def test_no_turn_takes_longer_after_windows_were_started_that_match_nothing(
    many: ManyProbes,
) -> None:
    now = many.site.rig.clock.wall()
    windows = [
        Window(f"w{number}", SLOW_PATTERNS, Once(now, now + 3600)) for number in range(WINDOWS)
    ]
    shortest = inf
    for _ in range(ATTEMPTS):
        many.maintenance.replace_started(windows)
        shortest = min(shortest, many.longest_turn("/"))
    assert shortest < LONGEST
