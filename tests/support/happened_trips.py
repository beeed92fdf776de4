"""Trips of a site that have ended, and what its API then says."""

import json
from typing import Any

from exporter.core.facts import Arrival
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.support.http_site import Site

KEY = ProbeKey("submission", "a@example.org")
WHY = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", "no such user")
STARTED = 1_700_000_000.0


def trip(number: int, failure: Failure | None = None, probe: ProbeKey = KEY) -> Outcome:
    """A trip that began so many minutes after the first."""
    facts = () if failure else (Arrival("INBOX", "header", 1.5, 2.5),)
    return Outcome(f"{number:014x}", probe, STARTED + 60 * number, 3.0, (), facts, failure)


async def happened(here: Site, *outcomes: Outcome) -> None:
    """As at the end of these trips."""
    for outcome in outcomes:
        probe, started = here.probes.get_or_create(outcome.probe), outcome.started_at - STARTED
        probe.show(outcome, started)
        here.rig.store.finished(outcome)
        for outage in probe.outages.add(outcome, started, started):
            here.rig.store.keep_outage(outage)


async def get(here: Site, path: str, status: int = 200) -> Any:
    got, text = await here.get(f"/api/v1{path}")
    assert got == status, text
    return json.loads(text)
