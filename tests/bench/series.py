"""A part of `make bench`: what a scrape of /metrics with many series costs, and for how long nobody
else has a turn."""

import asyncio
import gzip
import time
from dataclasses import replace
from urllib.request import Request, urlopen

from exporter.core.model import ProbeKey
from exporter.metrics import Metrics
from exporter.metrics.exposition import Format
from tests.metrics.test_outcome import SUCCESS
from tests.support.http_site import site

WANTED = (10_000, 100_000)  # series
OF_A_PROBE = 420  # series that one has after a trip: about


class Turns:
    """For how long the loop was somebody else's, each time."""

    def __init__(self) -> None:
        self._gaps: list[float] = []

    async def watch(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            self._gaps.append(now - last)
            last = now

    @property
    def longest(self) -> float:
        return max(self._gaps)


async def scrapes() -> None:
    """Over HTTP, compressed, for a client in a thread."""
    for wanted in WANTED:
        keys = [
            ProbeKey("relay", f"{number}@example.org") for number in range(-(-wanted // OF_A_PROBE))
        ]
        for form in Format:
            async with site() as here:
                metrics, url = here.bench.metrics, f"http://{here.host}:{here.port}/metrics"
                for key in keys:
                    metrics.known(key, f"probe-{key.target}")
                for what, changed in (
                    ("all new", keys),
                    ("all changed", keys),
                    ("one changed", keys[:1]),
                ):
                    make_trips(metrics, changed)
                    await scrape(f"{form.name.lower()}, {what}", url, form)


def make_trips(metrics: Metrics, keys: list[ProbeKey]) -> None:
    for key in keys:
        metrics.started(key)
        metrics.finished(replace(SUCCESS, probe=key))


async def scrape(what: str, url: str, form: Format) -> None:
    turns = Turns()
    watching = asyncio.create_task(turns.watch())
    began = time.perf_counter()
    text = await asyncio.to_thread(get, url, form)
    took = time.perf_counter() - began
    watching.cancel()
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    print(
        f"{series:7} series, {what + ':':25} {took * 1000:7.1f} ms, of which at most"
        f" {turns.longest * 1000:5.1f} ms without a turn for others"
    )


def get(url: str, form: Format) -> bytes:
    request = Request(url, headers={"Accept": form.value, "Accept-Encoding": "gzip"})
    with urlopen(request) as answer:
        return gzip.decompress(answer.read())


if __name__ == "__main__":
    asyncio.run(scrapes())
