"""A part of `make bench`: what a scrape of /metrics costs, as a ratio to ready-made text, and how
often and for how long others have their turn meanwhile."""

import asyncio
import gc
import gzip
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from urllib.request import Request, urlopen

from aiohttp import web

from exporter.core.facts import Arrival
from exporter.core.model import Fact, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.steps import Step, Timed
from exporter.metrics.exposition import Format
from exporter.metrics.metrics import Metrics
from tests.bench.figures import show
from tests.bench.load import Load, cost_of
from tests.bench.trips import in_plain_text, ours
from tests.lab.client import Lab
from tests.metrics.test_outcome import SUCCESS
from tests.support.http_site import site
from tests.support.pauses import with_pauses
from tests.support.scopes import SUBMISSION

PROBES = 200
CHANGED = 50  # of them between two scrapes: 10 trips/s, a scrape every 5 s
MANY = 10_000
REPEATS = 9  # of which the cheapest counts, since others use the machine, too

SPANS = (
    *(Span(Phase.SEND, step, 0.5, 0.01) for step in Step if Timed.SENDING in step.timed),
    *(Span(Phase.OPEN, step, 0.0, 0.01) for step in Step if Timed.MAILBOX in step.timed),
    *(span for span in SUCCESS.spans if span.step is None),
)
"""A trip with each step that has a time."""


class Trips:
    """Finished trips of some probes, no two of them equal."""

    def __init__(self, metrics: Metrics, probes: int) -> None:
        self._metrics = metrics
        self._random = random.Random(1)
        self.keys = [ProbeKey("relay", f"{number}@example.org") for number in range(probes)]
        for key in self.keys:
            metrics.known(key, f"relay-to-{key.target}", SUBMISSION)

    def make(self, keys: Sequence[ProbeKey]) -> None:
        for outcome in map(self._outcome, keys):
            self._metrics.started(outcome.probe)
            self._metrics.finished(outcome)

    def _outcome(self, key: ProbeKey) -> Outcome:
        return replace(
            SUCCESS,
            probe=key,
            trip=f"{self._random.getrandbits(56):014x}",
            started_at=SUCCESS.started_at + self._random.random() * 1000,
            spans=tuple(replace(span, duration=self._some(span.duration)) for span in SPANS),
            facts=tuple(map(self._fact, SUCCESS.facts)),
        )

    def _fact(self, fact: Fact) -> Fact:
        if not isinstance(fact, Arrival):
            return fact
        return replace(fact, delay=self._some(6.0), round_trip=self._some(6.5))

    def _some(self, about: float) -> float:
        return about * self._random.uniform(0.5, 1.5)


class Turns:
    """For how long the loop was somebody else's, each time, in processor time of its thread: others
    use the machine, too."""

    def __init__(self) -> None:
        self._gaps: list[float] = []

    async def watch(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self._gaps.append(now - last)
            last = now

    @property
    def longest(self) -> float:
        return max(self._gaps)


@dataclass(frozen=True, slots=True)
class Page:
    """What a client got: bytes, compressed and not, and samples."""

    compressed: int
    plain: int
    samples: int
    seconds: float


def get(url: str, form: Format = Format.TEXT, repeats: int = 1) -> Page:
    """In a process of its own, as Prometheus is."""
    request = Request(url, headers={"Accept": form.value, "Accept-Encoding": "gzip"})
    for _ in range(repeats):
        began = time.perf_counter()
        with urlopen(request) as answer:
            body = answer.read()
        took = time.perf_counter() - began
    text = gzip.decompress(body)
    samples = sum(not line.startswith(b"#") for line in text.splitlines())
    return Page(len(body), len(text), samples, took)


class Client:
    """Scrapes, and measures the processor time of this process."""

    def __init__(self, processes: ProcessPoolExecutor) -> None:
        self._processes = processes

    async def get(self, url: str, form: Format = Format.TEXT) -> Page:
        work = partial(get, url, form)
        return await asyncio.get_running_loop().run_in_executor(self._processes, work)

    async def cost(self, url: str, form: Format, before: Callable[[], None]) -> tuple[float, Page]:
        """The least milliseconds of several scrapes, each after `before`."""
        costs = list[float]()
        for _ in range(REPEATS):
            before()
            began = time.process_time()
            page = await self.get(url, form)
            costs.append(time.process_time() - began)
        return min(costs) * 1000, page


async def scrapes(lab: Lab) -> None:
    trip = await cost_of_a_trip(lab)
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        client = Client(processes)
        for form in Format:
            written(form)
            await few(client, form, trip)
        await many(client)


async def cost_of_a_trip(lab: Lab) -> float:
    """Milliseconds of the cheapest one by IMAP."""
    with lab.fresh_user() as user:
        async with ours(in_plain_text(lab, user), user) as trip:
            await trip()
            costs = [await cost_of(Load(100, 10), trip) for _ in range(2)]
    return min(cost.milliseconds for cost in costs)


def written(form: Format) -> None:
    """What is written of each probe, without HTTP."""
    metrics = Metrics()
    trips = Trips(metrics, PROBES)
    trips.make(trips.keys)
    unchanged, changed = list[float](), list[float]()
    for _ in range(REPEATS):
        for costs, some in ((changed, trips.keys), (unchanged, [])):
            trips.make(some)
            began = time.process_time()
            with_pauses(metrics.everything(form))
            costs.append((time.process_time() - began) / PROBES * 1000)
    name = form.name.lower()
    show(f"writing a changed probe, {name}", min(changed), "ms of CPU", 0.5)
    show(f"writing an unchanged probe, {name}", min(unchanged), "ms of CPU")


async def few(client: Client, form: Format, trip: float) -> None:
    """Compressed, over HTTP, as a share of what it costs with the trips in between."""
    async with site() as here:
        url = f"http://{here.host}:{here.port}/metrics"
        trips = Trips(here.rig.metrics, PROBES)
        trips.make(trips.keys)
        await client.get(url, form)
        cost, page = await client.cost(url, form, lambda: trips.make(trips.keys[:CHANGED]))
        text = bytes(await here.rig.metrics.everything(form))
    async with ready_made(gzip.compress(text, 6)) as url:
        ready, _ = await client.cost(url, form, lambda: None)
    sizes = f"{page.samples} series, {page.plain / 1e6:.1f} MB, {page.compressed >> 10} KiB in gzip"
    show(
        f"scrape of {PROBES} probes, {CHANGED} changed, {form.name.lower()}",
        cost / (cost + trip * CHANGED) * 100,
        "% of the whole",
        10,
        f"{cost:.1f} ms of CPU, {cost / ready:.0f} times ready-made text; a trip {trip:.1f} ms;"
        f" {sizes}",
    )


async def many(client: Client) -> None:
    """Every probe, for the first time, and once a tenth has changed."""
    async with site() as here:
        metrics, url = here.rig.metrics, f"http://{here.host}:{here.port}/metrics"
        trips = Trips(metrics, MANY)
        for what, some in (("all new", trips.keys), ("a tenth changed", trips.keys[::10])):
            trips.make(some)
            gc.collect()
            gc.freeze()  # else the collection of what the trips have left may come while we measure
            _, pauses = with_pauses(metrics.everything(Format.OPENMETRICS))
            turns = Turns()
            watching = asyncio.create_task(turns.watch())
            page = await client.get(url)
            watching.cancel()
            show(
                f"scrape of {MANY} probes, {what}",
                turns.longest * 1000,
                "ms at a time",
                10,
                f"{pauses} turns, {page.seconds:.2f} s, {page.samples} series,"
                f" {page.plain / 1e6:.0f} MB,"
                f" {page.compressed / 1e6:.1f} MB in gzip",
            )
            gc.unfreeze()


@asynccontextmanager
async def ready_made(text: bytes) -> AsyncIterator[str]:
    """The same answer from aiohttp alone."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=text, headers={"Content-Encoding": "gzip"})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    where = web.TCPSite(runner, "127.0.0.1", 0)
    await where.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    finally:
        await runner.cleanup()
