"""A part of `make bench`: many addresses, many lists, one local resolver."""

import asyncio
import resource
import time

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey, QueriedList
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab

ADDRESSES = 256
LISTS = 50


def configuration(lab: Lab) -> Settings:
    """The lab has few lists, so that each is asked under many names, as if it were many."""
    lists = ", ".join(f"{{zone: blclean.lab.test, name: list{n}}}" for n in range(LISTS))
    module = f'{{targets: ["*"], dnsbl: {{lists: [{lists}]}}}}'
    text = f'{{resolver: {{nameservers: ["{lab.dns}"]}}, modules: {{reputation: {module}}}}}'
    return Settings.parse(text.encode(), "bench.yml")


async def blocklists(lab: Lab) -> None:
    """All addresses at once, as after a start; the query times are as Prometheus sees them."""
    async with App(configuration(lab), Store.open(None), new_key()) as app:
        probes = [
            app.probes.get_or_create(ProbeKey("reputation", f"203.0.113.{n}"))
            for n in range(ADDRESSES)
        ]
        began, used = time.perf_counter(), cpu()
        outcomes: list[Outcome] = await asyncio.gather(
            *(app.prober.start(probe) for probe in probes)
        )
        took, used = time.perf_counter() - began, cpu() - used
    good = sum(outcome.success for outcome in outcomes)
    asked = [
        fact for outcome in outcomes for fact in outcome.facts if isinstance(fact, QueriedList)
    ]
    times = sorted(duration for fact in asked for duration in fact.durations)
    typical, slow = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
    print(
        f"{ADDRESSES} addresses x {LISTS} lists:  {took:5.2f} s, {good} of {len(outcomes)} good; a"
        f" question takes {typical:.1f} ms, at 99 % {slow:.1f} ms, and"
        f" {used / len(times) * 1e6:.0f} µs of CPU"
    )


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
