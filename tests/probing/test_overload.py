"""Four times as many trips as the processor can carry, in virtual time: scrapes are answered all
the same, and trips are late by the same time.

Nothing is timed: the loop's turns are counted, and a piece of work takes the time that it says.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from exporter.config.types import Listen
from exporter.core.availability.outage import Standing
from exporter.core.model import Outcome, ProbeError, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.lateness import Lateness
from exporter.metrics.metrics import Metrics
from exporter.metrics.outcome import FIRST
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.probing.schedule import Schedule
from exporter.probing.scheduler import Scheduler
from exporter.settings import Settings
from exporter.web.pages.pages import Pages
from exporter.web.resources import Resources
from exporter.web.server import Server
from tests.support import virtual_time as virtual
from tests.support.busy_check import BusyCheck
from tests.support.prober_rig import ProberRig

pytestmark = pytest.mark.slow

PIECES, COST = 20, 0.002  # of a trip: 25 trips take a second of the processor
PROBES, INTERVAL = 100, 1.0
ROUND = PROBES * PIECES * COST  # seconds in which every probe can have a trip
MOST_TURNS = 40  # that an answer may take
SETTINGS = Settings.parse(
    f"""
modules:
  busy: {{targets: ["*.example.org", "192.0.2.1"], dnsbl: {{lists: [bl.example.org]}}}}
probes: {[{"name": f"p{n}", "module": "busy", "target": f"h{n}.example.org"} for n in range(PROBES)]}
""".encode(),  # noqa: E501
    "test.yml",
)


class CountedMetrics(Metrics):
    """Notes when trips start and end, and how many of a probe are in flight."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.starts: dict[ProbeKey, list[float]] = {}
        self.in_flight: Counter[ProbeKey] = Counter()
        self.most_in_flight = 0
        self.outcomes: list[Outcome] = []

    def started(self, probe: ProbeKey) -> None:
        super().started(probe)
        self.starts.setdefault(probe, []).append(asyncio.get_running_loop().time())
        self.in_flight[probe] += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight[probe])

    def finished(self, outcome: Outcome, standing: Standing = FIRST) -> None:
        super().finished(outcome, standing)
        self.in_flight[outcome.probe] -= 1
        self.outcomes.append(outcome)


class Overload:
    """A site whose probes are scheduled."""

    def __init__(
        self, rig: ProberRig, server: Server, metrics: CountedMetrics, probes: ProbeTable
    ) -> None:
        self.metrics, self.prober, self.probes = metrics, rig.prober, probes
        self._address = server.addresses[0]

    async def get(self, path: str) -> tuple[int, float, str]:
        """The turns and the seconds that an answer took, and the answer."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.VirtualLoop)
        turns, began = loop.turns, loop.time()
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = (await reader.read()).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 200 OK"), answer
        return loop.turns - turns, loop.time() - began, answer


@asynccontextmanager
async def overload(interval: float = INTERVAL) -> AsyncIterator[Overload]:
    with Lateness() as lateness:
        async with _overload(interval, replace(virtual.clock(), late=lateness.between)) as site:
            yield site


@asynccontextmanager
async def _overload(interval: float, clock: Clock) -> AsyncIterator[Overload]:
    rig = ProberRig(clock=clock, metrics=CountedMetrics)
    metrics = rig.metrics
    assert isinstance(metrics, CountedMetrics)

    def make(key: ProbeKey, name: str | None, own: float | None) -> Probe:
        return Probe(key, BusyCheck(PIECES, COST), Schedule(interval), 60, 30, name)

    probes = ProbeTable(SETTINGS, rig.prober, metrics, rig.clock, make)
    pages = Pages(probes, rig.store, rig.watchers, rig.clock.wall)
    scheduling = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: probes.named).run())
    async with Server(Resources(probes, metrics, pages), [Listen("127.0.0.1:0")]) as server:
        yield Overload(rig, server, metrics, probes)
        scheduling.cancel()
        rig.prober.close()
    for probe in probes:
        await rig.prober.abandon(probe)
    await rig.close()


def test_an_answer_takes_few_turns_and_less_than_a_second() -> None:
    async def course() -> None:
        async with overload() as site:
            await asyncio.sleep(3 * ROUND)
            for _ in range(10):
                turns, seconds, _ = await site.get("/-/healthy")
                assert turns <= MOST_TURNS
                assert seconds < 1
                _, seconds, text = await site.get("/metrics")
                assert seconds < 1
                assert "mailtrip_scheduler_lag_seconds 0.0" not in text
                await asyncio.sleep(1)

    virtual.run(course())


def test_a_scrape_of_a_probe_that_has_to_wait_is_answered_with_what_is_known() -> None:
    async def course() -> None:
        async with overload() as site:
            await asyncio.sleep(3 * ROUND)
            _, seconds, text = await site.get("/probe?module=busy&target=h1.example.org")
            assert seconds < 1
            assert "probe_success 0" in text or "probe_success 1" in text

    virtual.run(course())


def test_the_status_page_says_it_and_we_are_healthy() -> None:
    async def course() -> None:
        async with overload() as site:
            words = "mailtrip is overloaded: trips start"
            assert words not in (await site.get("/"))[2]
            await asyncio.sleep(3 * ROUND)
            assert words in (await site.get("/"))[2]
            await site.get("/-/healthy")
            await site.get("/-/ready")

    virtual.run(course())


def test_every_probe_has_a_trip_in_each_round_and_never_two_at_once() -> None:
    async def course() -> None:
        async with overload() as site:
            await asyncio.sleep(10 * ROUND)
            counts = [len(moments) for moments in site.metrics.starts.values()]
            assert len(counts) == PROBES
            assert max(counts) - min(counts) <= 1
            # What the processor can carry is carried.
            assert sum(counts) * PIECES * COST == pytest.approx(10 * ROUND, rel=0.1)
            assert site.metrics.most_in_flight == 1
            assert not any(
                outcome.failure and outcome.failure.reason == "timeout"
                for outcome in site.metrics.outcomes
            )

    virtual.run(course())


def test_when_the_overload_ends_trips_do_not_come_in_a_burst() -> None:
    async def course() -> None:
        async with overload() as site:
            await asyncio.sleep(5 * ROUND)
            assert site.prober.lag == pytest.approx(ROUND - INTERVAL, rel=0.2)
            for probe in site.probes:
                probe.schedule.interval = 4 * ROUND
            await asyncio.sleep(2 * ROUND)
            for _ in range(100):
                await asyncio.sleep(ROUND / 10)
                assert site.prober.lag < 0.5

    virtual.run(course())


class FinishedByTurn(CountedMetrics):
    """Counts the trips that end in each turn of the loop."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.finished_in: Counter[int] = Counter()

    def finished(self, outcome: Outcome, standing: Standing = FIRST) -> None:
        super().finished(outcome, standing)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.VirtualLoop)
        self.finished_in[loop.turns] += 1


def test_when_a_queue_is_let_go_trips_do_not_end_in_one_turn() -> None:
    async def course() -> None:
        rig = ProberRig(metrics=FinishedByTurn)
        rig.sender.delay = 100
        flights = [rig.prober.start(rig.probe) for _ in range(200)]
        assert all(outcome.success for outcome in await asyncio.gather(*flights))
        assert isinstance(rig.metrics, FinishedByTurn)
        assert max(rig.metrics.finished_in.values()) <= 2, "of 200"
        await rig.close()

    virtual.run(course())


def note_turns_of_sending(rig: ProberRig) -> Counter[int]:
    """How many messages are sent in each turn of the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual.VirtualLoop)
    sent_in: Counter[int] = Counter()

    def noted(raw: bytes) -> list[str]:
        sent_in[loop.turns] += 1
        return ["250 taken"]

    rig.sender.says, rig.sender.effort = noted, 0.0
    return sent_in


def test_when_a_mailbox_opens_trips_that_wait_for_it_go_on_one_by_one() -> None:
    async def course() -> None:
        rig = ProberRig()
        sent_in = note_turns_of_sending(rig)
        rig.mailbox.down = ProbeError(Reason.CONNECT, "connection refused")
        flights = [rig.prober.start(rig.probe) for _ in range(200)]
        await asyncio.sleep(10)
        assert not sent_in
        rig.mailbox.down = None
        assert all(outcome.success for outcome in await asyncio.gather(*flights))
        assert sent_in.total() == 200
        assert max(sent_in.values()) == 1
        await rig.close()

    virtual.run(course())


def test_when_a_mailbox_refuses_us_trips_that_wait_for_it_go_on_one_by_one() -> None:
    async def course() -> None:
        rig = ProberRig()
        sent_in = note_turns_of_sending(rig)
        rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
        flights = [rig.prober.start(rig.probe) for _ in range(200)]
        outcomes = await asyncio.gather(*flights)
        assert {one.failure.reason for one in outcomes if one.failure} == {Reason.AUTH}
        assert sent_in.total() == 200
        assert max(sent_in.values()) == 1
        await rig.close()

    virtual.run(course())
