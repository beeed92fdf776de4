"""A real collector takes the traces of real trips, and sends on what it has understood."""

import asyncio

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from exporter.app import App
from exporter.core.model import Outcome
from exporter.core.trace.identity import span_id, trace_id
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.pages.waterfall import Waterfall
from tests.support.collector import Collector, attributes, collector, running_rotel
from tests.support.ports import free_port

CONFIGURATION = """
tracing:
  endpoint: {url}
  headers: {{X-Scope-OrgID: mail}}
  resource: {{deployment.environment.name: test}}
mailboxes:
  here: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [probe@example.org]}}}}
modules:
  good: &module
    roundtrip: &trip
      send: {{smtp: {{host: 127.0.0.1, port: {port}}}}}
      from: probe@example.org
      mailbox: here
  refused: {{<<: *module, roundtrip: {{<<: *trip, to: "other@example.org"}}}}
probes:
  - {{name: good, module: good, target: probe@example.org}}
  - {{name: refused, module: refused, target: probe@example.org}}
"""


async def trips(url: str) -> list[Outcome]:
    """One of each probe. The traces are sent when the program ends."""
    settings = Settings.parse(CONFIGURATION.format(url=url, port=free_port()).encode(), "test.yml")
    async with App(settings, Store.open(None), b"k" * 32) as app:
        return [await app.prober.start(probe) for probe in app.probes]


def spans_of(here: Collector, trip: str) -> list[Span]:
    return [span for span in here.spans if span.trace_id == trace_id(trip)]


async def test_a_real_collector_understands_every_span(servers: None) -> None:
    async with collector() as behind:
        with running_rotel(behind.url) as url:
            good, refused = await trips(url)
            async with asyncio.timeout(20):
                while not (spans_of(behind, good.trip) and spans_of(behind, refused.trip)):
                    await asyncio.sleep(0.05)
    assert {
        "service.name": "mailtrip",
        "deployment.environment.name": "test",
    }.items() <= attributes(behind.resources[0].resource.attributes).items()
    for outcome in (good, refused):
        whole, *spans = sorted(
            spans_of(behind, outcome.trip), key=lambda one: len(one.parent_span_id)
        )
        assert whole.span_id == span_id(outcome.trip, "trip")
        rows = [row for row in Waterfall(outcome).rows() if row.kind != "wait"]
        begin = round(outcome.started_at * 1e9)
        drawn = sorted((row.label, row.start, row.duration or 0.0) for row in rows)
        came = sorted(
            (
                span.name,
                (span.start_time_unix_nano - begin) / 1e9,
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            )
            for span in spans
        )
        assert [name for name, *_ in came] == [name for name, *_ in drawn]
        for one, other in zip(came, drawn, strict=True):
            assert max(abs(a - b) for a, b in zip(one[1:], other[1:], strict=True)) < 0.001
    assert [one.trace_id for one in (good, refused)] == [
        trace_id(one.trip).hex() for one in (good, refused)
    ]
    assert good.success
    assert {span.status.code for span in spans_of(behind, good.trip)} == {Status.STATUS_CODE_UNSET}
    (step,) = (span for span in spans_of(behind, refused.trip) if span.name == "rcpt")
    assert step.status.code == Status.STATUS_CODE_ERROR
    assert attributes(step.attributes)["error.type"] == "rejected"
