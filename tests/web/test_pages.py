"""The pages: what they show, that nobody's words become markup, and that links last."""

import re

import pytest

from exporter.core.facts import Arrival, Hop
from exporter.core.model import Failure, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import candidates
from exporter.web.pages.documentation import SITE
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import Site, site, until

KEY = ProbeKey("submission", "a@example.org")
EVIL = "<script>alert(1)</script>\"'&"
SPANS = (
    Span(Phase.OPEN, None, 0.0, 0.5),
    Span(Phase.SEND, None, 0.5, 1.0),
    Span(Phase.SEND, Step.RCPT, 1.0, 0.5, Reason.REJECTED, EVIL),
    Span(Phase.DELIVER, None, 1.5, 8.5),
)
HOP = Hop(1, EVIL, EVIL, "192.0.2.1", "ESMTP", None, 4.0, None)
FAILED = Outcome(
    "0123456789abcd",
    KEY,
    1_700_000_000.0,
    10.0,
    SPANS,
    (HOP, Arrival(EVIL, "header", None, None)),
    Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", EVIL),
    (f"    0.001 send    S: {EVIL}",),
)


async def kept(here: Site, outcome: Outcome) -> Outcome:
    """As the store keeps it, and gives it back."""
    here.probes.get_or_create(outcome.probe).show(outcome)
    here.rig.store.finished(outcome)
    return outcome


async def test_nobody_s_words_become_markup_on_any_page() -> None:
    async with site() as here:
        await kept(here, FAILED)
        for path in ("/", f"/trips/{FAILED.trip}", "/trips?module=submission&target=a@example.org"):
            status, page = await here.get(path)
            assert status == 200
            assert "&lt;script&gt;alert(1)" in page
            assert "<script" not in page


async def test_pages_load_nothing_but_our_style_and_are_framed_by_nobody() -> None:
    async with site() as here:
        await kept(here, FAILED)
        for path in ("/", f"/trips/{FAILED.trip}", "/trips/00000000000000"):
            async with here.http.get(f"http://{here.host}:{here.port}{path}") as answer:
                policy, page = answer.headers["Content-Security-Policy"], await answer.text()
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'; style-src 'self'; img-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            # The policy would not let them work.
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)
            (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)
            status, text = await here.get("/" + style.removeprefix("../"))
            assert status == 200
            assert ":root" in text


async def test_every_link_on_a_page_leads_somewhere() -> None:
    async with site() as here:
        await kept(here, FAILED)
        of_probe = "/trips?module=submission&target=a@example.org"
        for path, root in (("/", "/"), (f"/trips/{FAILED.trip}", "/trips/"), (of_probe, "/")):
            _, page = await here.get(path)
            links = {link.replace("&amp;", "&") for link in re.findall(r'<a href="([^"]+)"', page)}
            assert SITE in links, "the header leads to the documentation"
            for link in (one for one in links if not one.startswith(SITE)):
                at = root + link
                if link.startswith("../"):
                    at = "/" + link[3:]
                assert (await here.get(at.replace("/./", "/")))[0] == 200, (path, link)


async def test_a_trip_is_seen_while_it_is_under_way_and_by_the_same_link_when_it_is_over() -> None:
    async with site(delay=None) as here:
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        probe = here.probes.get_or_create(KEY)
        (trip,) = probe.flights
        await until(lambda: bool(here.rig.sender.sent))
        start = (await here.get("/"))[1]
        assert f'href="trips/{trip}"' in start
        # A phone shows no line break there: a space must part it from the time before it.
        assert re.search(rf'\s<br><a href="trips/{trip}">1 in progress</a>', start)
        status, page = await here.get(f"/trips/{trip}")
        assert (status, "in progress" in page, 'http-equiv="refresh"' in page) == (200, True, True)
        here.rig.mailbox.deliver(here.rig.sender.sent[0])
        await until(lambda: not probe.flights)
        status, page = await here.get(f"/trips/{trip}")
        assert (status, "round trip" in page, 'http-equiv="refresh"' in page) == (200, True, False)


async def test_no_token_is_on_a_page() -> None:
    """A server may repeat what is in the message."""
    async with site() as here:
        here.rig.sender.says = lambda raw: [f"250 taken {token_in(raw)}"]
        await here.get(SCRAPE)
        word = token_in(here.rig.sender.sent[0])
        probe = here.probes.get_or_create(KEY)
        assert probe.newest
        assert probe.unwritten
        assert any(word in line for line in probe.unwritten.transcript)
        page = (await here.get(f"/trips/{probe.newest.trip}"))[1]
        assert "250 taken &lt;token&gt;" in page
        assert word not in page


def token_in(raw: bytes) -> str:
    (word, *_) = candidates(raw.decode())
    return word


@pytest.mark.parametrize(
    "path", ["/trips/00000000000000", "/trips/x", "/trips/../metrics.py", "/trips/0123456789ABCD"]
)
async def test_a_trip_that_is_not_kept_is_not_found(path: str) -> None:
    async with site() as here:
        assert (await here.get(path))[0] == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?module=x&target=a@example.org", 400),
        ("?module=submission&target=a@example.com", 403),
    ],
)
async def test_trips_are_listed_only_of_probes_that_are_allowed(query: str, status: int) -> None:
    async with site() as here:
        assert (await here.get(f"/trips{query}"))[0] == status
        assert here.rig.sender.sent == []


async def test_trips_are_listed_by_the_name_of_a_probe_too() -> None:
    """A dashboard knows a probe of /metrics by its name, one of /probe by its target."""
    async with site() as here:
        named = next(probe for probe in here.probes if probe.name)
        by_target = "probe=&module=submission&target=a@example.org"
        for query in (f"probe={named.name}", f"probe={named.name}&module=&target=", by_target):
            assert (await here.get(f"/trips?{query}"))[0] == 200
        assert await here.get("/trips?probe=nobody") == (
            404,
            "no probe 'nobody'; known: named\n",
        )
        assert (await here.get("/trips?probe=named&probe=nobody"))[0] == 400


async def test_the_headline_of_a_success_says_what_was_measured_and_not_our_own_waiting() -> None:
    spans = (
        Span(Phase.OPEN, None, 0.0, 1.4),
        Span(Phase.SEND, None, 1.4, 0.05),
        Span(Phase.DELIVER, None, 1.45, 0.1),
    )
    for arrival, words in (
        (
            Arrival("INBOX", "header", 0.1, 0.15),
            "round trip 0.15 s, delivery delay 0.10 s",
        ),
        (
            Arrival("INBOX", "header", None, 2.0),
            "round trip 2.00 s, delivery delay unknown",
        ),
    ):
        outcome = Outcome("0123456789abcd", KEY, 1_700_000_000.0, 1.6, spans, (arrival,))
        async with site() as here:
            await kept(here, outcome)
            for path in ("/", f"/trips/{outcome.trip}"):
                page = (await here.get(path))[1]
                assert words in page, path
                assert "after 1.60 s" not in page
