"""A mailtrip with one module that asks blocklists, and what it says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from exporter.app import App
from exporter.core.model import Listing, ListState, Outcome, ProbeKey, QueriedList
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.name_server import Zone
from tests.support.pauses import at_once

LISTED, CLEAN, UNKNOWN = ListState.LISTED, ListState.CLEAN, ListState.UNKNOWN
TESTS: Zone = {"2.0.0.127.bl.example": {"A": ["127.0.0.2"]}}
"""The test entry of a list, bl.example, that a name server of ours has."""

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"], timeout: 2s}}
modules:
  reputation:
    {times}
    targets: ["*"]
    dnsbl: {{{options}}}
probes:
  - {{name: named, module: reputation, target: {target}}}
"""


@asynccontextmanager
async def app(
    dns: str, options: str, target: str = "192.0.2.1", *, times: str = "", state: Path | None = None
) -> AsyncIterator[App]:
    text = CONFIGURATION.format(dns=dns, options=options, target=target, times=times)
    settings = Settings.parse(text.encode(), "mailtrip.yml")
    async with App(settings, Store.open(state), new_key()) as made:
        yield made


async def trip(made: App, target: str = "192.0.2.1", module: str = "reputation") -> Outcome:
    return await made.prober.start(made.probes.get_or_create(ProbeKey(module, target)))


async def outcome_of(dns: str, options: str, target: str, times: str = "") -> Outcome:
    async with app(dns, options, target, times=times) as made:
        return await trip(made, target)


def states(outcome: Outcome) -> dict[tuple[str, str], ListState]:
    listings = [fact for fact in outcome.facts if isinstance(fact, Listing)]
    return {(one.blocklist.removesuffix(".lab.test"), one.subject): one.state for one in listings}


def usable(outcome: Outcome) -> dict[str, bool]:
    return {fact.blocklist: fact.usable for fact in outcome.facts if isinstance(fact, QueriedList)}


def series(made: App, target: str = "192.0.2.1") -> dict[str, float]:
    page = at_once(made.metrics.probe(ProbeKey("reputation", target))).decode()
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}
