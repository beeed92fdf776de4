"""400 days with restarts, reloads and late mail, in virtual time. A referee knows when a message
could not come back: each of these times is one outage, its bounds are within an interval, and there
is no other outage."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from exporter.checks.check import MailCheck
from exporter.core.availability.outage import Outage
from exporter.core.home import Home
from exporter.core.model import ProbeError, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.mail.tokens import Token
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.probing.recovery import Recovery
from exporter.probing.schedule import Schedule
from exporter.probing.scheduler import Scheduler
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support import virtual_time as virtual
from tests.support.prober_rig import KEY, ProberRig

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
DAYS = 399 * DAY  # outages are kept for 400
INTERVAL, TIMEOUT, RECHECK = 4 * HOUR, 10 * HOUR, 30 * MINUTE
PAUSE = 10 * MINUTE  # of a restart, or until a removed probe is configured again, at most
NEVER = 1e9  # seconds
KINDS = "refused", "lost", "held"
TOLERANCE = INTERVAL + PAUSE + MINUTE


def settings(interval: float | None) -> Settings:
    """With this interval of the only probe, or without it."""
    probe = f"{{name: gmail, module: {KEY.module}, target: {KEY.target}, interval: {interval}s}}"
    text = f"""
mailboxes: {{monitor: {{smtpd: {{listen: "127.0.0.1:0", recipients: [monitor@example.org]}}}}}}
modules:
  {KEY.module}:
    interval: 4h
    timeout: 10h
    roundtrip: {{from: probe@example.org, send: {{smtp: {{host: mx}}}}, mailbox: monitor}}
probes: [{probe if interval else ""}]
"""
    return Settings.parse(text.encode(), "test.yml")


@dataclass(frozen=True)
class TroubledDays:
    """Messages that are sent in this time are refused, lost, or held until they are overdue. Times
    in seconds since the begin."""

    start: float
    end: float
    kind: str

    @property
    def released(self) -> float:
        """When held messages come. Those that are sent after the end come in time."""
        return self.end + TIMEOUT if self.kind == "held" else self.end


class DaysOfMail(MailCheck):
    """The mail servers, to all processes, one after the other."""

    mailbox, late_after, home = "elsewhere", DAY, Home.MESSAGE

    def __init__(self, random: Random) -> None:
        self.random = random
        self.troubles = list(self._troubles())
        self._arrivals: dict[str, float] = {}

    def _troubles(self) -> Iterator[TroubledDays]:
        at = DAY
        while at < DAYS - 5 * DAY:
            length = TOLERANCE * self.random.uniform(1.02, 6)
            yield (trouble := TroubledDays(at, at + length, self.random.choice(KINDS)))
            at = trouble.released + TIMEOUT + self.random.uniform(0, 6) * DAY

    async def run(self, run: Run, token: Token) -> None:
        """What a check does: sends a message, and waits for it."""
        async with run.phase(Phase.SEND):
            now = run.now()
            trouble = next((one for one in self.troubles if one.start <= now < one.released), None)
            await asyncio.sleep(1)
            if trouble and trouble.kind == "refused":
                raise ProbeError(Reason.CONNECT, "down")
            released = trouble.released if trouble else now
            self._arrivals[token.trip] = NEVER if trouble and trouble.kind == "lost" else released
            run.accept("250 accepted")
        await self.resume(run, token.trip)

    async def resume(self, run: Run, trip: str) -> None:
        async with run.phase(Phase.DELIVER, lambda: ProbeError(Reason.OVERDUE, "not back")):
            await asyncio.sleep(max(self._arrivals[trip] - run.now(), 1))

    def until_something_happens(self, now: float) -> float:
        """Often soon after a trouble, while its trips are still in progress."""
        if self.random.random() < 0.5:
            return self.random.uniform(0, 2) * DAY
        end = next((one.end for one in self.troubles if one.end > now), now + DAY)
        return end - now + self.random.uniform(0, TIMEOUT)


class Process:
    """One of the processes that share a state."""

    def __init__(self, store: Store, world: DaysOfMail) -> None:
        self.rig = rig = ProberRig(store=store)
        self._world = world
        self.probes = ProbeTable(settings(INTERVAL), rig.prober, rig.metrics, rig.clock, self._make)
        self.recovery = Recovery(store, rig.ledger, rig.prober, self.probes, rig.metrics, rig.clock)
        self.scheduler = Scheduler(rig.prober, rig.clock, lambda: self.probes.named)
        self.tasks: list[asyncio.Task[None]] = []

    def _make(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        return Probe(key, self._world, Schedule(interval or INTERVAL, RECHECK), TIMEOUT, 30, name)

    async def start(self) -> None:
        await self.recovery.resume(self.recovery.recover())
        run = self.scheduler.run(), self._keep_house()
        self.tasks = [asyncio.create_task(one) for one in run]

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(DAY)
            self.rig.ledger.expire()

    async def configure(self, wanted: Settings) -> None:
        await self.rig.store.outcome("none")  # what is stored has been written
        new = {probe.key for probe in self.probes.configure(wanted, ())}
        self.recovery.restore(
            lambda stored: key if (key := self.probes.current(stored)) in new else None
        )
        self.scheduler.changed()

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        for probe in (*self.probes, *self.probes.leaving):
            await self.rig.prober.abandon(probe)
        for watcher in self.rig.watchers.values():
            await watcher.close()
        await self.rig.store.outcome("none")


async def four_hundred_days(world: DaysOfMail) -> list[Outage]:
    clock, random, store = virtual.clock(), world.random, Store.open(None)
    process = Process(store, world)
    await process.start()
    restarts = reloads = 0
    while (now := clock.monotonic()) < DAYS:
        await asyncio.sleep(min(world.until_something_happens(now), DAYS - now + 1))
        pause = random.uniform(0, PAUSE)
        match random.choice(["restart", "restart", "reload", "remove"]):
            case "restart":
                restarts += 1
                await process.stop()
                await asyncio.sleep(pause)
                process = Process(store, world)
                await process.start()
            case "reload":
                reloads += 1
                await process.configure(settings(INTERVAL - random.randrange(60)))
            case _:
                reloads += 1
                await process.configure(settings(None))
                await asyncio.sleep(pause)
                await process.configure(settings(INTERVAL))
    assert min(restarts, reloads) > 50
    await process.stop()
    outages = await store.outages(None, 1000)
    await store.close()
    return sorted(outages, key=lambda one: one.start)


@pytest.mark.slow
def test_every_outage_is_known_once_with_bounds_within_one_interval() -> None:
    world = DaysOfMail(Random(1))
    outages = virtual.run(four_hundred_days(world))
    assert len(outages) == len(world.troubles) > 50
    for trouble, outage in zip(world.troubles, outages, strict=True):
        assert outage.end is not None
        assert 0 <= outage.start - virtual.BEGIN - trouble.start <= TOLERANCE, trouble
        assert 0 <= outage.end - virtual.BEGIN - trouble.end <= TOLERANCE, trouble
