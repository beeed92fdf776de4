"""`make bench`: CPU per round trip, the error of the reported delay, the cost of a scrape. Prints,
asserts nothing.

Everything goes to the lab on loopback. A figure is a ratio to remember on this machine, not a
promise for another.
"""

import asyncio
import gc
import resource
import threading
import time
from base64 import b32decode
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from exporter.app import App
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.message import tokens_in
from exporter.mail.tokens import PREFIX, new_key
from exporter.probing.probe import Probe
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.state.trip import State
from tests.bench.blocklists import blocklists
from tests.bench.series import scrapes
from tests.lab.client import Lab, LabUser
from tests.lab.facts import NUMBERED_USERS
from tests.support.mailtrip_process import Exporter

TRIPS = 200
CONCURRENT = 10
SCRAPES = 300

MAILBOXES = 200
PROBES = 1000
WAITING = 3000  # trips
AT_ONCE = 100  # trips that the relay of the lab serves at the same time

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{imap: {{host: {imap}, port: {port}, tls: {tls}, ca_file: {ca}, username: {user},
      password: {password}}}}}
modules:
  plain:
    timeout: 60s
    targets: ["*@lab.test"]
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}},
        mailbox: monitor}}
"""
MAILBOX = (
    "  {user}: {{imap: {{host: {imap}, tls: none, username: {user}, password: {password}}}}}\n"
)
MODULE = """\
  {user}:
    timeout: 5m
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}},
        mailbox: {user}}}
"""
PROBE = "  - {{name: {user}-{number}, module: {user}, target: {user}+{number}@lab.test}}\n"


def configuration(lab: Lab, user: LabUser, tls: str = "none") -> str:
    return CONFIGURATION.format(
        user=user.name, port=993 if tls == "implicit" else 143, tls=tls, **values(lab)
    )


def values(lab: Lab) -> dict[str, str]:
    return {
        "dns": lab.dns,
        "imap": lab.imap_ip,
        "ca": lab.ca,
        "password": lab.password,
        "relay": lab.relay_ip,
    }


def many(lab: Lab) -> Settings:
    """As many probes as PROBES, on as many mailboxes as MAILBOXES."""
    users = NUMBERED_USERS[:MAILBOXES]
    parts = [
        'resolver: {{nameservers: ["{dns}"]}}\nmailboxes:\n'.format(**values(lab)),
        *(MAILBOX.format(user=user, **values(lab)) for user in users),
        "modules:\n",
        *(MODULE.format(user=user, **values(lab)) for user in users),
        "probes:\n",
        *(PROBE.format(user=users[n % MAILBOXES], number=n // MAILBOXES) for n in range(PROBES)),
    ]
    return Settings.parse("".join(parts).encode(), "bench.yml")


def main() -> None:
    lab = Lab()
    started = lab.up()
    try:
        with lab.fresh_user() as user:
            for tls in ("none", "implicit"):
                asyncio.run(cpu_per_trip(lab, user, tls))
        asyncio.run(blocklists(lab))
        asyncio.run(scrapes())
        for name in ("probe", "slow2", "slow8"):
            asyncio.run(error_of_delay(lab, lab.user(name)))
        for measure in (thousand_probes, memory_of_waiting_trips):
            with ProcessPoolExecutor(
                1, get_context("spawn")
            ) as process:  # so that each begins with a small one
                process.submit(in_a_loop, measure).result()
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
        probe = app.probes.get_or_create(ProbeKey("plain", user.address))
        await app.prober.start(probe)  # imports, caches, connections
        began, wall, outcomes = cpu(), time.perf_counter(), []
        for _ in range(TRIPS // CONCURRENT):
            outcomes += await asyncio.gather(*(app.prober.start(probe) for _ in range(CONCURRENT)))
        each = (cpu() - began) / len(outcomes) * 1000
        rate = len(outcomes) / (time.perf_counter() - wall)
        good = sum(outcome.success for outcome in outcomes)
        print(
            f"{CONCURRENT} trips at once:  {each:5.2f} ms of CPU per trip (IMAP, tls {tls}), "
            f"{rate:.0f} trips/s, {good} of {len(outcomes)} good"
        )
        began = cpu()
        for _ in range(10):
            await app.prober.start(probe)
        print(f"one after the other:  {(cpu() - began) / 10 * 1000:5.2f} ms of CPU per trip")


# ---------------------------------------------------------------- many probes


def in_a_loop(measure: Callable[[Lab], Coroutine[None, None, None]]) -> None:
    asyncio.run(measure(Lab()))


async def thousand_probes(lab: Lab) -> None:
    """A trip of every probe, as fast as the lab takes them: it is the ceiling, and shares the
    processor with us."""
    async with App(many(lab), Store.open(None), new_key()) as app:
        probes = list(app.probes)
        began, wall = cpu(), time.perf_counter()
        turn = asyncio.Semaphore(AT_ONCE)

        async def trip(probe: Probe) -> Outcome:
            async with turn:
                return await app.prober.start(probe)

        outcomes = await asyncio.gather(*map(trip, probes))
        took, used = time.perf_counter() - wall, cpu() - began
        good = sum(outcome.success for outcome in outcomes)
        print(
            f"{PROBES} probes on {MAILBOXES} mailboxes, at once:  {len(outcomes) / took:5.0f}"
            f" trips/s, {used / len(outcomes) * 1000:5.2f} ms of CPU per trip, {good} of"
            f" {len(outcomes)} good"
        )


async def memory_of_waiting_trips(lab: Lab) -> None:
    """Their messages are accepted, and stay in the exchanger's queue."""
    await asyncio.to_thread(lab.pause_delivery)
    try:
        async with App(many(lab), Store.open(None), new_key()) as app:
            probes = list(app.probes)
            await all_accepted(app, probes)  # sessions, imports and caches stand now
            before, wall = memory(), time.perf_counter()
            await all_accepted(app, probes * (WAITING // PROBES))
            each, rate = (
                (memory() - before) / WAITING / 1024,
                WAITING / (time.perf_counter() - wall),
            )
            print(
                f"a waiting trip:       {each:5.1f} KiB ({WAITING} on {MAILBOXES} mailboxes,"
                f" {rate:.0f} sent/s; {memory() >> 20} MiB in all)"
            )
            began, wall = cpu(), time.perf_counter()
            await asyncio.sleep(20)
            used = (cpu() - began) / (time.perf_counter() - wall)
            print(f"while they wait:      {used * 100:5.1f} % of a processor")
    finally:
        await asyncio.to_thread(lab.put_levers_back)


async def all_accepted(app: App, probes: Sequence[Probe]) -> None:
    """Starts a trip of each probe, and returns when all their messages are accepted."""
    for start in range(0, len(probes), AT_ONCE):
        wave = probes[start : start + AT_ONCE]
        wanted = accepted(app) + len(wave)
        for probe in wave:
            app.prober.start(probe)
        while accepted(app) < wanted:
            await asyncio.sleep(0.05)


def accepted(app: App) -> int:
    return sum(trip.state is State.SENT for trip in app.store.unsettled())


def memory() -> int:
    """Resident bytes of this process, without garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


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
            probe = app.probes.get_or_create(ProbeKey("plain", user.address))
            outcomes = [
                await app.prober.start(probe) for _ in range(trips if user.name == "probe" else 3)
            ]
    for outcome in outcomes:
        delays += delay_of(outcome, seen)
    worst = max(delays, key=lambda delay: abs(delay.error))
    typical = median(delay.true for delay in delays)
    limit = max(0.1, 0.05 * worst.true)
    print(
        f"delay of {typical:6.2f} s:  error {median(d.error for d in delays) * 1000:+6.1f} ms"
        f" typical, {worst.error * 1000:+6.1f} ms at worst of {len(delays)} (allowed:"
        f" {limit * 1000:.0f} ms)"
    )


def delay_of(outcome: Outcome, seen: dict[str, float]) -> Iterator[Delay]:
    for fact in outcome.facts:
        if isinstance(fact, Arrival) and fact.delay is not None and outcome.trip in seen:
            sent = max(span.start + span.duration for span in outcome.spans if span.phase == "send")
            yield Delay(fact.delay, seen[outcome.trip] - (outcome.started_at + sent))


@contextmanager
def arrivals(user: LabUser) -> Iterator[dict[str, float]]:
    """Fills in, by trip, when its message was written into the Maildir; the file is read before it
    is deleted."""
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
        print(
            f"a cached /probe:      {answer:5.2f} ms to answer, {processor:5.2f} ms of CPU, {lines}"
            " lines"
        )
    finally:
        exporter.stop()


if __name__ == "__main__":
    main()
