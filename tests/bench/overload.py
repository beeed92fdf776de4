"""A part of `make bench`: how long scrapes wait when there are four times as many trips to make as
the machine can carry.

A trivial SMTP server on loopback, in a process of its own, writes each message into a Maildir.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

PROBES = 500
SECONDS_TO_MEASURE = 30.0  # what the machine carries
SECONDS = 60.0  # of overload
WARM_UP = 15.0
TIMES = 4  # what the machine carries
SHORTEST = 1.0  # seconds: the shortest interval of a probe
PAGES = ("/metrics", "/probe?module=plain&target=0@example.org", "/-/healthy")
PATIENCE = "1.5"  # the scrape timeout, of which mailtrip uses 1 s to wait for a trip

CONFIGURATION = """
mailboxes:
  here: {{maildir: {{path: {maildir}}}}}
modules:
  plain:
    timeout: 60s
    targets: ["*@example.org"]
    roundtrip: {{from: probe@example.org, send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}},
        mailbox: here}}
probes:
"""
PROBE = (
    "  - {{name: probe-{number}, module: plain, target: {number}@example.org,"
    " interval: {interval:.3f}s}}\n"
)


class MailServer(asyncio.Protocol):
    """Accepts everything, and does no more for it than it must."""

    _serial = 0

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._buffer = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 overload.test\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            what, found, rest = self._buffer.partition(end)
            if not found:
                return
            self._buffer = rest
            if self._in_data:
                self._store(what)
            self._transport.write(self._reply(what[:4].upper()))

    def _reply(self, command: bytes) -> bytes:
        if self._in_data or command == b"DATA":
            self._in_data = not self._in_data
            return b"354 go on\r\n" if self._in_data else b"250 taken\r\n"
        return b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n"

    def _store(self, message: bytes) -> None:
        MailServer._serial += 1
        name = f"{time.time():.6f}.{MailServer._serial}.overload"
        file = self._maildir / "tmp" / name
        file.write_bytes(message.replace(b"\r\n", b"\n"))
        file.rename(self._maildir / "new" / name)


def serve_mail(maildir: Path, port: int) -> None:
    """Runs until it is killed."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: MailServer(maildir), "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


@dataclass
class Scrapes:
    """How long the answers took, in seconds; a thread for each page."""

    exporter: Exporter
    took: dict[str, list[float]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self) -> Any:
        threads = [threading.Thread(target=self._scrape, args=[page]) for page in PAGES]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _scrape(self, page: str) -> None:
        took = self.took[page] = []
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": PATIENCE, "Accept-Encoding": "gzip"}
        while not self._stop.is_set():
            began = time.perf_counter()
            with urlopen(
                Request(f"http://{self.exporter.address}{page}", headers=headers), timeout=600
            ) as answer:
                answer.read()
            took.append(time.perf_counter() - began)
            self._stop.wait(max(1.0 - took[-1], 0.0))


def overload(probes: int = PROBES, seconds: float = SECONDS) -> None:
    with TemporaryDirectory() as directory:
        maildir, port = Path(directory) / "Maildir", free_port()
        for name in ("new", "cur", "tmp"):
            (maildir / name).mkdir(parents=True)
        peer = get_context("spawn").Process(target=serve_mail, args=(maildir, port), daemon=True)
        peer.start()
        text = CONFIGURATION.format(maildir=maildir, port=port)

        def run(name: str, rate: float, seconds: float) -> float:
            interval = max(probes / rate, SHORTEST)
            entries = "".join(
                PROBE.format(number=number, interval=interval) for number in range(probes)
            )
            flags = ("--log.level", "error")
            exporter = Exporter(text + entries, Path(directory) / name, *flags)
            try:
                return measure(exporter, f"{name}, {rate:.0f} trips/s wanted", seconds)
            finally:
                exporter.kill()

        try:
            carried = run("as much as it carries", probes / SHORTEST, SECONDS_TO_MEASURE)
            run(f"{TIMES} times that", TIMES * carried, seconds)
        finally:
            peer.kill()
            peer.join()


def series(exporter: Exporter) -> dict[str, float]:
    """Those of /metrics, however long that takes."""
    with urlopen(f"http://{exporter.address}/metrics", timeout=600) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def waiting(exporter: Exporter) -> float:
    """Seconds in which its loop could run and got no processor, on a machine that does other work
    too."""
    return int(Path(f"/proc/{exporter.pid}/schedstat").read_text().split()[1]) / 1e9


def measure(exporter: Exporter, name: str, seconds: float) -> float:
    """Prints the result; returns the trips that were made in a second."""
    time.sleep(WARM_UP)
    before, waited, began = series(exporter), waiting(exporter), time.perf_counter()
    scrapes = Scrapes(exporter)
    with scrapes.going_on():
        time.sleep(seconds)
    took = time.perf_counter() - began
    waited = waiting(exporter) - waited
    after = series(exporter)

    def grown(what: Callable[[str], bool]) -> dict[str, float]:
        return {
            key: value - before.get(key, 0.0)
            for key, value in after.items()
            if what(key) and value != before.get(key)
        }

    trips = grown(lambda key: key.startswith("mailtrip_trips_total"))
    failures: Counter[str] = Counter()
    for key, value in grown(lambda key: key.startswith("mailtrip_failures_total")).items():
        failures[key.partition('phase="')[2].replace('",reason="', "/").rstrip('"}')] += int(value)
    rate = sum(trips.values()) / took
    cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    cores = f"{cpu / took * 100:.0f} % of a core (waiting {waited / took * 100:.0f} % for one)"
    each = sorted(trips.values()) or [0.0]
    lag = after.get("mailtrip_scheduler_lag_seconds", float("nan"))
    print(
        f"{name}:  {rate:.0f} trips/s with {cores}; a probe made"
        f" {each[0]:.0f} to {each[-1]:.0f}; failures {dict(failures) or 'none'}; lag {lag:.1f} s"
    )
    for page, times in scrapes.took.items():
        times.sort()
        print(
            f"  {page.partition('?')[0]:12}  longest {times[-1] * 1000:7.0f} ms, half of them"
            f" {times[len(times) // 2] * 1000:7.0f} ms, {len(times)} answers"
        )
    return rate


if __name__ == "__main__":
    overload(*(int(one) for one in sys.argv[1:3]))
