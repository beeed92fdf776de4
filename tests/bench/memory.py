"""Parts of `make bench`: the memory of the process, of an idle probe, and of a trip that waits."""

import asyncio
import gc
import pickle
import resource
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.app import App
from exporter.mail.tokens import new_key
from exporter.probing.probe import Probe
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.state.trip import State
from tests.bench.figures import show
from tests.bench.load import cpu
from tests.bench.many import AT_ONCE, MAILBOXES, PROBES, in_a_small_process, many
from tests.bench.trips import in_plain_text, with_tls
from tests.lab.client import Lab
from tests.metrics.test_outcome import SUCCESS
from tests.support.mailtrip_process import Exporter
from tests.support.scopes import CONFIGURATION

FEW = 10  # probes of a small process
MANY = 2000  # probes whose series are measured
IDLE = 300  # probes, ten on each mailbox
WAITING = 1000  # trips
KIB, MIB = 1024, 1 << 20


def memory(lab: Lab) -> None:
    small_process(lab)
    in_a_small_process(idle_probes)
    for of_a_kind in (submissions, without_histograms, exchangers):
        in_a_small_process(of_a_kind)
    in_a_small_process(waiting_trips)


def small_process(lab: Lab) -> None:
    """`mailtrip serve` after a trip of each probe with TLS and login, with its pages shown."""
    with lab.fresh_user() as user, TemporaryDirectory() as directory:
        name, domain = user.address.split("@")
        probes = "".join(
            f"  - {{name: probe-{number}, module: trip, target: {name}+{number}@{domain}}}\n"
            for number in range(FEW)
        )
        text = f"{with_tls(lab, user).configuration}probes:\n{probes}"
        exporter = Exporter(text, Path(directory))
        try:
            for number in range(FEW):
                exporter.wait_for(f'mailtrip_success{{probe="probe-{number}"}}')
            for path in ("/metrics", "/", "/-/healthy"):
                exporter.get(path)
            show(
                f"mailtrip serve, {FEW} probes",
                exporter.series()["process_resident_memory_bytes"] / MIB,
                "MiB",
                70,
            )
        finally:
            exporter.stop()


async def idle_probes(lab: Lab) -> None:
    """Each has made a trip, and is shown in a scrape; its share of a mailbox is included."""
    with lab.fresh_user() as user:
        async with App(in_plain_text(lab, user).settings, Store.open(None), new_key()) as app:
            await app.prober.start(app.probes.get_or_create(app.probes.key("trip", user.address)))
            await app.metrics.everything()
    before = resident()
    with TemporaryDirectory() as directory:
        await _idle_probes(lab, Path(directory), before)


async def _idle_probes(lab: Lab, directory: Path, before: int) -> None:
    async with App(many(lab, IDLE, IDLE // 10), Store.open(directory), new_key()) as app:
        turn = asyncio.Semaphore(FEW)  # else what trips need for a moment would count

        async def trip(probe: Probe) -> bool:
            async with turn:
                return (await app.prober.start(probe)).success

        good = sum(await asyncio.gather(*map(trip, app.probes)))
        await app.metrics.everything()
        each = (resident() - before) / IDLE / KIB
        more = f"{good} of {IDLE} good"
        show("an idle probe", each, "KiB", 60, more)


async def submissions(lab: Lab) -> None:
    await _stages("smtp to imap", "submission")


async def without_histograms(lab: Lab) -> None:
    await _stages("the same without step histograms", "submission", "false")


async def exchangers(lab: Lab) -> None:
    await _stages("mx to smtpd", "exchanger")


async def _stages(what: str, module: str, histograms: str = "true") -> None:
    """What Python allocates before the first trip of each probe, after it, and for a scrape."""
    entry = "  - {{name: probe-{0}, module: {1}, target: user{0}@example.org}}\n"
    probes = "probes:\n" + "".join(entry.format(number, module) for number in range(MANY))
    text = f"{CONFIGURATION.decode()}metrics: {{step_histograms: {histograms}}}\n{probes}"
    tracemalloc.start()
    settings, sizes = Settings.parse(text.encode(), "bench.yml"), [0]
    async with App(settings, Store.open(None), new_key()) as app:
        sizes.append(_allocated())
        for probe in app.probes:
            outcome = pickle.loads(pickle.dumps(replace(SUCCESS, probe=probe.key)))
            probe.show(outcome)
            probe.unwritten = None
            app.metrics.finished(outcome)
        sizes.append(_allocated())
        page = len(await app.metrics.everything())
        sizes.append(_allocated())
    tracemalloc.stop()
    stages = [f"{(after - before) / MANY / KIB:.1f}" for before, after in pairwise(sizes)]
    more = f"{', '.join(stages)}: before a trip, after it, text of {page / MANY:.0f} bytes"
    show(f"a probe, {what}", sizes[-1] / MANY / KIB, "KiB", None, more)


def _allocated() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def waiting_trips(lab: Lab) -> None:
    """Their messages are accepted, and stay in the exchanger's queue."""
    await asyncio.to_thread(lab.pause_delivery)
    try:
        async with App(many(lab), Store.open(None), new_key()) as app:
            probes = list(app.probes)
            await _all_accepted(app, probes)  # sessions, imports and caches stand now
            before, wall = resident(), time.perf_counter()
            await _all_accepted(app, probes * (WAITING // PROBES))
            rate = WAITING / (time.perf_counter() - wall)
            each = (resident() - before) / WAITING / KIB
            more = f"{WAITING} on {MAILBOXES} mailboxes, {rate:.0f} sent/s"
            show("a waiting trip", each, "KiB", 20, more)
            began, wall = cpu(), time.perf_counter()
            await asyncio.sleep(20)
            used = (cpu() - began) / (time.perf_counter() - wall)
            show(f"while {WAITING + PROBES:,} trips wait", used * 100, "% of a CPU")
    finally:
        await asyncio.to_thread(lab.put_levers_back)


async def _all_accepted(app: App, probes: Sequence[Probe]) -> None:
    """Starts a trip of each probe, and returns when all their messages are accepted."""
    for start in range(0, len(probes), AT_ONCE):
        wave = probes[start : start + AT_ONCE]
        wanted = _accepted(app) + len(wave)
        for probe in wave:
            app.prober.start(probe)
        while _accepted(app) < wanted:
            await asyncio.sleep(0.05)


def _accepted(app: App) -> int:
    return sum(trip.state is State.SENT for trip in app.store.unsettled())


def resident() -> int:
    """Resident bytes of this process, without garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
