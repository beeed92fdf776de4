"""Links that last: what the pages and the API tell of a message that came late, and of the trips
that exemplars name."""

import json
import re
from dataclasses import replace

from exporter.core.availability.outage import Standing
from exporter.core.facts import Arrival, Hop, LateArrival
from exporter.core.model import Failure, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.mail.tokens import Mint
from exporter.state.thinning import NEWEST
from tests.support.http_site import site, words_of
from tests.support.scopes import SUBMISSION

KEY = ProbeKey("submission", "a@example.org")
OVERDUE = Outcome(
    "0123456789abcd",
    KEY,
    1_700_000_000.0,
    60.0,
    (Span(Phase.DELIVER, None, 1.0, 59.0, Reason.OVERDUE),),
    failure=Failure(Phase.DELIVER, None, Reason.OVERDUE, detail="not back within 60 s"),
    transcript=("    0.001 send    S: 250 OK",),
)
WORD = Mint(b"k" * 32).mint(1_700_000_000).word
HOP = Hop(1, "mx.example.net", "<b>", "192.0.2.7", "ESMTP", 1_700_003_500.0, 3500.0, 0.0)
LATE = LateArrival(
    1_700_003_601.0, 3600.0, "INBOX", (HOP,), ("Received: by mx.example.net", f"Id: <{WORD}>")
)


async def test_a_trip_tells_when_and_how_its_message_came_late() -> None:
    async with site() as here:
        here.probes.get_or_create(KEY).show(OVERDUE, 0.0)
        here.rig.store.finished(OVERDUE)
        here.rig.store.keep_late_arrival(OVERDUE.trip, KEY, LATE)
        status, page = await here.get(f"/trips/{OVERDUE.trip}")
        assert status == 200
        words = words_of(page)
        for expected in (
            "not back within 60 s; the message arrived late, 1 h after it was accepted,",
            "arrived late 2023-11-14 23:13:21 UTC , in INBOX",
            "delivery delay 3600.000 s",
            "hop 1 3500 s, mx.example.net, from <b> [192.0.2.7], ESMTP",
            "Received: by mx.example.net",
            "250 OK",
        ):
            assert expected in words
        assert WORD not in page
        _, page = await here.get("/trips?module=submission&target=a@example.org")
        assert "the message arrived late, 1 h after it was accepted" in page
        status, text = await here.get(f"/api/v1/trips/{OVERDUE.trip}")
        assert status == 200
        assert WORD not in text
        (fact,) = json.loads(text)["facts"]
        assert fact["fact"] == "late_arrival"
        assert (fact["at"], fact["delay"], fact["folder"]) == (LATE.at, LATE.delay, LATE.folder)
        assert fact["hops"][0]["by"] == "mx.example.net"
        assert fact["headers"] == ["Received: by mx.example.net", "Id: <<token>>"]


async def test_every_exemplar_leads_to_its_trip() -> None:
    """However long ago the newest one with such a delay was."""
    delays, trips = (0.05, 0.5, 2.0, 700.0), 0
    async with site() as here:
        here.probes.get_or_create(KEY)
        here.rig.metrics.known(KEY, "relay", SUBMISSION)
        for delay in sorted(delays, reverse=True):
            for _ in range(NEWEST + 20):
                trips += 1
                facts = (Arrival("INBOX", "header", delay, None),)
                started_at = 1_700_000_000.0 + trips
                outcome = replace(OVERDUE, trip=f"{trips:014x}", started_at=started_at)
                outcome = replace(outcome, facts=facts, failure=None)
                here.rig.metrics.finished(outcome, Standing())
                here.rig.store.finished(outcome)
        here.rig.store.finished(replace(OVERDUE, started_at=1_700_000_000.0 + trips + 1))
        here.rig.metrics.late(KEY, OVERDUE.trip, LATE)
        here.rig.store.keep_late_arrival(OVERDUE.trip, KEY, LATE)
        _, text = await here.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        named = re.findall('trip_id="([0-9a-f]{14})"', text)
        assert len(named) == len(delays) + 1
        for trip in named:
            status, page = await here.get(f"/trips/{trip}")
            assert status == 200
            assert "250 OK" in page, "with its transcript"
