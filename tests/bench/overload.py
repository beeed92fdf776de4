"""A part of `make bench`: how long scrapes wait when there are four times as many trips to make as
the machine can carry.

A trivial SMTP server on loopback, in a process of its own, writes each message into a Maildir.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

PROBES = 500
SECONDS_TO_MEASURE = 30.0  # what the machine carries
MINUTES = 1.0  # of overload
PERIODS = 12  # of a run, each with a line of its own
WARM_UP = 15.0
TIMES = 4  # what the machine carries
SHORTEST = 1.0  # seconds: the shortest interval of a probe
PAGES = ("/metrics", "/probe?module=plain&target=0@example.org", "/-/healthy")
MOST = 1.0  # seconds that an answer may take
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
"""  # noqa: E501
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
    errors: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._scrape, args=[page]) for page in PAGES]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def longest_since(self, counts: Mapping[str, int]) -> float:
        """Of all answers but so many of each page."""
        return max(
            (one for page, took in self.took.items() for one in took[counts.get(page, 0) :]),
            default=0.0,
        )

    def counts(self) -> dict[str, int]:
        return {page: len(took) for page, took in self.took.items()}

    def _scrape(self, page: str) -> None:
        took = self.took[page] = []
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": PATIENCE, "Accept-Encoding": "gzip"}
        request = Request(f"http://{self.exporter.address}{page}", headers=headers)
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                with urlopen(request, timeout=600) as answer:
                    answer.read()
            except OSError as error:
                self.errors[f"{page.partition('?')[0]}: {error}"] += 1
            took.append(time.perf_counter() - began)
            self._stop.wait(max(1.0 - took[-1], 0.0))


def overload(minutes: float = MINUTES) -> None:
    with TemporaryDirectory() as directory:
        maildir, port = Path(directory) / "Maildir", free_port()
        for name in ("new", "cur", "tmp"):
            (maildir / name).mkdir(parents=True)
        peer = get_context("spawn").Process(target=serve_mail, args=(maildir, port), daemon=True)
        peer.start()
        text = CONFIGURATION.format(maildir=maildir, port=port)

        def run(name: str, rate: float, seconds: float) -> float:
            probes = max(PROBES, ceil(rate * SHORTEST))
            entries = "".join(
                PROBE.format(number=number, interval=probes / rate) for number in range(probes)
            )
            flags = ("--log.level", "error")
            exporter = Exporter(text + entries, Path(directory) / name, *flags)
            try:
                return measure(exporter, f"{name}, {rate:.0f} trips/s wanted", seconds)
            finally:
                exporter.kill()

        try:
            carried = run("as much as it carries", PROBES / SHORTEST, SECONDS_TO_MEASURE)
            run(f"{TIMES} times that", TIMES * carried, 60 * minutes)
        finally:
            peer.kill()
            peer.join()


def series(exporter: Exporter) -> dict[str, float]:
    """Those of /metrics, however long that takes."""
    with urlopen(f"http://{exporter.address}/metrics", timeout=600) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Moment:
    """What mailtrip says at one moment, and what the kernel says of it. Times in seconds."""

    at: float
    waited: float  # in which its loop could run and got no processor: the machine does other work
    memory: float  # MiB, resident
    series: dict[str, float]

    @classmethod
    def of(cls, exporter: Exporter) -> "Moment":
        waited = int(Path(f"/proc/{exporter.pid}/schedstat").read_text().split()[1]) / 1e9
        memory = int(exporter.status.partition("VmRSS:")[2].split()[0]) / 1024
        return cls(time.perf_counter(), waited, memory, series(exporter))

    @property
    def lag(self) -> float:
        return self.series.get("mailtrip_scheduler_lag_seconds", float("nan"))

    def grown(self, since: "Moment", name: str) -> dict[str, float]:
        """By how much the series whose names begin with `name` have grown."""
        return {
            key: value - since.series.get(key, 0.0)
            for key, value in self.series.items()
            if key.startswith(name) and value != since.series.get(key)
        }

    def trips(self, since: "Moment") -> float:
        return sum(self.grown(since, "mailtrip_trips_total").values()) / (self.at - since.at)


def measure(exporter: Exporter, name: str, seconds: float) -> float:
    """Prints the result; returns the trips that were made in a second."""
    time.sleep(WARM_UP)
    print(f"{name}:", flush=True)
    moments, scrapes = [Moment.of(exporter)], Scrapes(exporter)
    began = time.perf_counter()
    with scrapes.going_on():
        for number in range(1, PERIODS + 1):
            counts = scrapes.counts()
            time.sleep(max(began + seconds * number / PERIODS - time.perf_counter(), 0.0))
            moments.append(now := Moment.of(exporter))
            print(
                f"  after {now.at - began:5.0f} s  {now.trips(moments[-2]):4.0f} trips/s,"
                f" lag {now.lag:.1f} s, {now.memory:.0f} MiB, the longest answer"
                f" {scrapes.longest_since(counts) * 1000:.0f} ms",
                flush=True,
            )
    summarize(moments, scrapes)
    return moments[-1].trips(moments[0])


def summarize(moments: Sequence[Moment], scrapes: Scrapes) -> None:
    first, middle, last = moments[0], moments[len(moments) // 2], moments[-1]
    took = last.at - first.at
    cpu = sum(last.grown(first, "process_cpu_seconds_total").values())
    failures: Counter[str] = Counter()
    for key, value in last.grown(first, "mailtrip_failures_total").items():
        failures[key.partition('phase="')[2].replace('",reason="', "/").rstrip('"}')] += int(value)
    trips = sorted(last.grown(first, "mailtrip_trips_total").values()) or [0.0]
    print(
        f"  {last.trips(first):.0f} trips/s with {cpu / took * 100:.0f} % of a core (waiting"
        f" {(last.waited - first.waited) / took * 100:.0f} % for one); a probe made {trips[0]:.0f}"
        f" to {trips[-1]:.0f} of {sum(trips):.0f}; lag {last.lag:.1f} s"
    )
    print(f"  failed trips: {sum(failures.values())} {dict(failures) or ''}")
    memory = ", ".join(
        f"{one.memory:.0f} MiB {when}"
        for one, when in ((first, "at the start"), (middle, "in the middle"), (last, "at the end"))
    )
    print(f"  memory: {memory}")
    for page, times in scrapes.took.items():
        times.sort()
        print(
            f"  {page.partition('?')[0]:12}  longest {times[-1] * 1000:7.0f} ms, half of them"
            f" {times[len(times) // 2] * 1000:7.0f} ms, {len(times)} answers,"
            f" {sum(one > MOST for one in times)} later than {MOST:g} s"
        )
    print(f"  requests that failed: {dict(scrapes.errors) or 'none'}", flush=True)


if __name__ == "__main__":
    overload(*(float(one) for one in sys.argv[1:2]))
