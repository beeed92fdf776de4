"""A part of `make bench`: very many probes on many mailboxes."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from exporter.app import App
from exporter.core.model import Outcome
from exporter.mail.tokens import new_key
from exporter.probing.probe import Probe
from exporter.settings import Settings
from exporter.state.store import Store
from tests.bench.load import cpu
from tests.lab.client import Lab
from tests.lab.facts import NUMBERED_USERS

MAILBOXES = 200
PROBES = 1000
AT_ONCE = 100  # trips that the relay of the lab serves at the same time

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


def in_a_small_process(measure: Callable[[Lab], Coroutine[None, None, None]]) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        process.submit(_in_a_loop, measure).result()


def _in_a_loop(measure: Callable[[Lab], Coroutine[None, None, None]]) -> None:
    asyncio.run(measure(Lab()))


def many(lab: Lab, probes: int = PROBES, mailboxes: int = MAILBOXES) -> Settings:
    """So many probes on so many mailboxes."""
    users = NUMBERED_USERS[:mailboxes]
    parts = [
        'resolver: {{nameservers: ["{dns}"]}}\nmailboxes:\n'.format(**_values(lab)),
        *(MAILBOX.format(user=user, **_values(lab)) for user in users),
        "modules:\n",
        *(MODULE.format(user=user, **_values(lab)) for user in users),
        "probes:\n",
        *(PROBE.format(user=users[n % mailboxes], number=n // mailboxes) for n in range(probes)),
    ]
    return Settings.parse("".join(parts).encode(), "bench.yml")


def _values(lab: Lab) -> dict[str, str]:
    return {
        "dns": lab.dns,
        "imap": lab.imap_ip,
        "password": lab.password,
        "relay": lab.relay_ip,
    }


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
