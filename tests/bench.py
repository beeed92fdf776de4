"""`make bench`: CPU per round trip, the error of the reported delay, the cost of a scrape. Prints, asserts nothing.

Everything goes to the lab on loopback. A figure is a ratio to remember on this machine, not a promise for another.
"""

import asyncio
import resource
import threading
import time
from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from exporter.app import App
from exporter.message import tokens_in
from exporter.model import Arrival, Outcome, ProbeKey
from exporter.settings import Settings
from exporter.store import Store
from exporter.tokens import PREFIX, new_key
from tests.exporter import Exporter
from tests.lab.client import Lab, LabUser

TRIPS = 200
CONCURRENT = 10
SCRAPES = 300

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{imap: {{host: {imap}, port: {port}, tls: {tls}, ca_file: {ca}, username: {user}, password: {password}}}}}
modules:
  plain:
    timeout: 60s
    targets: ["*@lab.test"]
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}}, mailbox: monitor}}
"""


def configuration(lab: Lab, user: LabUser, tls: str = "none") -> str:
    port = 993 if tls == "implicit" else 143
    values = {"dns": lab.dns, "imap": lab.imap_ip, "ca": lab.ca, "password": lab.password, "relay": lab.relay_ip}
    return CONFIGURATION.format(user=user.name, port=port, tls=tls, **values)


def main() -> None:
    lab = Lab()
    started = lab.up()
    try:
        with lab.fresh_user() as user:
            for tls in ("none", "implicit"):
                asyncio.run(cpu_per_trip(lab, user, tls))
        for name in ("probe", "slow2", "slow8"):
            asyncio.run(error_of_delay(lab, lab.user(name)))
        with lab.fresh_user() as user, TemporaryDirectory() as directory:
            cost_of_a_scrape(lab, user, Path(directory))
    finally:
        if started:
            lab.down()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def cpu_per_trip(lab: Lab, user: LabUser, tls: str) -> None:
    """The processor time of this process, which makes the trips itself."""
    settings = Settings.parse(configuration(lab, user, tls).encode(), "bench.yml")
    async with App(settings, Store.open(None), new_key()) as app:
        probe = app.probes.get(ProbeKey("plain", user.address))
        await app.prober.start(probe)  # imports, caches, connections
        began, wall, outcomes = cpu(), time.perf_counter(), []
        for _ in range(TRIPS // CONCURRENT):
            outcomes += await asyncio.gather(*(app.prober.start(probe) for _ in range(CONCURRENT)))
        each = (cpu() - began) / len(outcomes) * 1000
        rate = len(outcomes) / (time.perf_counter() - wall)
        good = sum(outcome.success for outcome in outcomes)
        print(f"{CONCURRENT} trips at once:  {each:5.2f} ms of CPU per trip (IMAP, tls {tls}), "
              f"{rate:.0f} trips/s, {good} of {len(outcomes)} good")  # fmt: skip
        began = cpu()
        for _ in range(10):
            await app.prober.start(probe)
        print(f"one after the other:  {(cpu() - began) / 10 * 1000:5.2f} ms of CPU per trip")


# ---------------------------------------------------------------- the delay


@dataclass(frozen=True, slots=True)
class Delay:
    reported: float
    true: float

    @property
    def error(self) -> float:
        return self.reported - self.true


async def error_of_delay(lab: Lab, user: LabUser, trips: int = 10) -> None:
    """Against the moment that Dovecot writes into the name of the Maildir file."""
    settings = Settings.parse(configuration(lab, lab.user(user.name)).encode(), "bench.yml")
    delays: list[Delay] = []
    with arrivals(user) as seen:
        async with App(settings, Store.open(None), new_key()) as app:
            probe = app.probes.get(ProbeKey("plain", user.address))
            outcomes = [await app.prober.start(probe) for _ in range(trips if user.name == "probe" else 3)]
    for outcome in outcomes:
        delays += delay_of(outcome, seen)
    worst = max(delays, key=lambda delay: abs(delay.error))
    typical = median(delay.true for delay in delays)
    limit = max(0.1, 0.05 * worst.true)
    print(f"delay of {typical:6.2f} s:  error {median(d.error for d in delays) * 1000:+6.1f} ms typical, "
          f"{worst.error * 1000:+6.1f} ms at worst of {len(delays)} (allowed: {limit * 1000:.0f} ms)")  # fmt: skip


def delay_of(outcome: Outcome, seen: dict[str, float]) -> Iterator[Delay]:
    for fact in outcome.facts:
        if isinstance(fact, Arrival) and fact.delay is not None and outcome.trip in seen:
            sent = max(span.start + span.duration for span in outcome.spans if span.phase == "send")
            yield Delay(fact.delay, seen[outcome.trip] - (outcome.started_at + sent))


@contextmanager
def arrivals(user: LabUser) -> Iterator[dict[str, float]]:
    """Fills in, by trip, when its message was written into the Maildir; the file is read before it is deleted."""
    seen: dict[str, float] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.002):
            for mail in user.mails():
                words = [word for word in tokens_in(mail.content) if word.startswith(PREFIX)]
                for word in words:
                    seen.setdefault(trip_of(word), written_at(mail.name))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def trip_of(word: str) -> str:
    return b32decode(word[len(PREFIX) :].upper())[8:15].hex()


def written_at(name: str) -> float:
    """Dovecot names a file SECONDS.M<microseconds>P<process>.host."""
    seconds, _, rest = name.partition(".M")
    return int(seconds) + int(rest.partition("P")[0]) / 1e6


# ---------------------------------------------------------------- scrapes


def cost_of_a_scrape(lab: Lab, user: LabUser, directory: Path) -> None:
    exporter = Exporter(configuration(lab, user), directory)
    page = f"/probe?module=plain&target={user.address}"
    try:
        exporter.wait_for("probe_success", page)
        began, wall = exporter.cpu_seconds(), time.perf_counter()
        for _ in range(SCRAPES):
            text = exporter.get(page)
        took, used = time.perf_counter() - wall, exporter.cpu_seconds() - began
        lines = text.count("\n")
        answer, processor = took / SCRAPES * 1000, used / SCRAPES * 1000
        print(f"a cached /probe:      {answer:5.2f} ms to answer, {processor:5.2f} ms of CPU, {lines} lines")
    finally:
        exporter.stop()


if __name__ == "__main__":
    main()
