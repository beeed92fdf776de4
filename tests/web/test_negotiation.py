"""Which form of the series a client gets."""

import gzip

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.metrics.exposition import Format
from exporter.web.negotiation import form_for
from tests.support.http_site import GOOD, Site, site

OM, TEXT = Format.OPENMETRICS, Format.TEXT


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/html,*/*;q=0.8", TEXT),
        # Prometheus 2.42, and Prometheus 3 (which would rather have what we do not write)
        (
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ),
            OM,
        ),
        (
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                "text/plain;version=0.0.4;q=0.2,/;q=0.1"
            ),
            OM,
        ),
        ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", TEXT),
        (
            (
                "application/openmetrics-text; version=2.0.0,"
                " application/openmetrics-text;version=1.0.0;q=0.2"
            ),
            OM,
        ),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.9", TEXT),
        ("text/plain;q=0.2, application/openmetrics-text;q=0.9", OM),
        ('APPLICATION/OpenMetrics-Text ; Version="1.0.0" ; Q=1', OM),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        ("application/openmetrics-text;q=x, ;;;=,", TEXT),
        ("application/json", TEXT),
        ("x," * 10_000 + "application/openmetrics-text", TEXT),
    ],
)
def test_the_form_with_the_greatest_weight_is_chosen(accept: str, form: Format) -> None:
    assert form_for(accept) is form


async def test_openmetrics_has_the_trip_beside_its_delay() -> None:
    async with site() as here:
        await here.get(GOOD)
        (probe,) = (probe for probe in here.probes if probe.newest)
        assert probe.newest
        text = await scraped(here, GOOD)
        families = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
        samples = families["mailtrip_delivery_delay_seconds"].samples
        (exemplar,) = (sample.exemplar for sample in samples if sample.exemplar)
        assert exemplar.labels == {"trip_id": probe.newest.trip}
        assert float(exemplar.timestamp) == pytest.approx(probe.newest.finished_at)
        assert families["mailtrip_trips"].type == "counter"


async def test_metrics_are_one_openmetrics_text() -> None:
    async with site() as here:
        await here.get(GOOD)
        text = await scraped(here, "/metrics")
        assert text.count("# EOF\n") == 1
        assert text.endswith("# EOF\n")
        names = {family.name for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
        assert {"mailtrip_build_info", "mailtrip_trips", "process_cpu_seconds"} <= names


async def test_answers_are_compressed_for_who_can_read_that() -> None:
    async with site() as here:
        url = f"http://{here.host}:{here.port}/metrics"
        plain = {"Accept-Encoding": "identity"}
        async with here.http.get(url, headers=plain) as answer:
            assert "Content-Encoding" not in answer.headers
            text = await answer.read()
        async with here.http.get(
            url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
        ) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in answer.headers["Vary"]
            packed = await answer.read()
        assert len(packed) < len(text) / 3
        assert gzip.decompress(packed).splitlines()[0] == text.splitlines()[0]


async def scraped(here: Site, path: str) -> str:
    url, headers = (
        f"http://{here.host}:{here.port}{path}",
        {"Accept": "application/openmetrics-text;version=1.0.0"},
    )
    async with here.http.get(url, headers=headers) as answer:
        assert answer.headers["Content-Type"] == Format.OPENMETRICS.value
        return await answer.text()
