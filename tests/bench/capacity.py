"""Parts of `make bench`: what one machine can carry."""

import asyncio
import gc
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context

from exporter.app import App
from exporter.core.model import ProbeKey
from exporter.probing.scheduler import Scheduler
from exporter.settings import Settings
from tests.bench.figures import show
from tests.bench.garbage import full_collections
from tests.bench.load import Load, cost_of, cpu
from tests.bench.many import many
from tests.bench.running import running, trip_of
from tests.lab.client import Lab
from tests.support.ports import free_port

PROBES = 10_000  # each with its interval of 5 minutes
MAILBOXES = 20
SETTLING = 20.0  # seconds, until the sessions are open
WATCHED = 60.0  # seconds
AIM_OF_PROBES = 25.0  # % of a core
AIM_OF_A_TURN = 10.0  # ms

PROCESSES = 2
EACH = Load(1500, 100)  # of a process
RECIPIENT = "bench@own.test"
SOURCES = (
    4  # addresses that each process sends from, since a receiver limits the connections of one
)
OWN_RECEIVER = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: ["{to}"]}}}}
modules:
"""
MODULE = """\
  from{number}:
    timeout: 60s
    targets: ["{to}"]
    roundtrip: {{from: probe@own.test, mailbox: own, send: {{smtp: {{
        host: 127.0.0.1, port: {port}, tls: none, source_address: 127.0.0.{number}}}}}}}
"""


async def ten_thousand_probes(lab: Lab) -> None:
    """The schedule makes a trip of each in its interval."""
    settings = many(lab, PROBES, MAILBOXES)
    async with running(settings) as app:
        scheduler = Scheduler(app.prober, app.clock, lambda: app.probes.named)
        task = asyncio.create_task(scheduler.run())
        await asyncio.sleep(SETTLING)
        finished = _finished(app)
        began, wall = cpu(), time.perf_counter()
        with full_collections() as pauses:
            await asyncio.sleep(WATCHED)
        used, took = cpu() - began, time.perf_counter() - wall
        trips = _finished(app) - finished
        task.cancel()
        with full_collections() as everything:
            gc.unfreeze()
            gc.collect()
    share = used / took * 100
    each = used / trips * 1000
    more = f"{trips / took:.1f} of {PROBES / 300:.1f} trips/s, {each:.2f} ms of CPU each"
    show(f"{PROBES} probes, a trip each in 5 minutes", share, "% of a core", AIM_OF_PROBES, more)
    longest, more = max(pauses, default=0.0) * 1000, f"{len(pauses)} in {took:.0f} s"
    show("the longest full garbage collection", longest, "ms", AIM_OF_A_TURN, more)
    show("one of everything, as after a reload", max(everything) * 1000, "ms")


def _finished(app: App) -> int:
    return sum(len(probe.history) for probe in app.probes)


@dataclass(frozen=True, slots=True)
class Reached:
    """What one process has reached."""

    rate: float  # trips per second
    share: float  # of a core
    good: bool


def two_processes() -> None:
    """Each sends to its own SMTP receiver, since the lab's are slower than mailtrip. The lab
    answers the queries for the check of the sender."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        reached = list(pool.map(_own_receiver, range(PROCESSES)))
    rate, wanted = sum(one.rate for one in reached), PROCESSES * (EACH.rate or 0.0)
    failed = "" if all(one.good for one in reached) else "; SOME FAILED"
    shares = " and ".join(f"{one.share * 100:.0f} %" for one in reached)
    print(
        f"{PROCESSES} processes, {wanted:g} trips/s asked: {rate:.0f} trips/s, {shares} of a"
        f" core, their SMTP receivers included{failed}",
        flush=True,
    )


def _own_receiver(number: int) -> Reached:
    return asyncio.run(_trips_to_ourselves())


async def _trips_to_ourselves() -> Reached:
    port, numbers = free_port(), range(1, SOURCES + 1)
    text = OWN_RECEIVER.format(dns=Lab.dns, port=port, to=RECIPIENT) + "".join(
        MODULE.format(number=number, port=port, to=RECIPIENT) for number in numbers
    )
    async with running(Settings.parse(text.encode(), "bench.yml")) as app:
        from_each = cycle(
            [trip_of(app, ProbeKey(f"from{number}", RECIPIENT)) for number in numbers]
        )
        await cost_of(Load(50, 50), lambda: next(from_each)())
        cost = await cost_of(EACH, lambda: next(from_each)())
    return Reached(cost.rate, cost.cpu * cost.rate, cost.good == cost.trips)
