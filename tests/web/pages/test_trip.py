"""The page of one trip: what failed, whom to call, what to do first, and where the time went."""

import json
import re
from dataclasses import replace

import pytest

from exporter.core.facts import Answer, Arrival, Authentication, Change, Changes, Hop, LateArrival
from exporter.core.home import Home
from exporter.core.model import (
    ExchangerVisit,
    Failure,
    Listing,
    ListState,
    Outcome,
    ProbeKey,
    QueriedList,
    Reply,
    Span,
    TlsSession,
)
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import Mint
from exporter.web.pages.documentation import SITE
from tests.support.every_fact import EVERY_FACT
from tests.support.happened_trips import WHY, happened, trip
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import Site, site, words_of
from tests.support.visits import VISITS
from tests.web.pages.test_outages import page_of
from tests.web.test_pages import FAILED, KEY, SPANS, kept

LINK = "https://www.example.net/query/ip/192.0.2.7"


async def page(outcome: Outcome) -> str:
    async with site() as here:
        await kept(here, outcome)
        return await page_of(here, f"/trips/{outcome.trip}")


async def test_a_failure_says_its_leg_its_runbook_and_where_it_is_explained() -> None:
    why = Failure(Phase.DELIVER, None, Reason.OVERDUE, "", "sent, but not seen")
    spans = (
        *(Span(Phase.OPEN, None, 0.0, 0.5), Span(Phase.SEND, None, 0.5, 0.5)),
        Span(Phase.DELIVER, None, 1.0, 9.0, Reason.OVERDUE),
    )
    text = await page(replace(FAILED, spans=spans, facts=(), failure=why))
    words = words_of(text)
    assert "a@example.org : trip failed" in words
    assert "send OK delivery failed mailbox OK" in words
    assert (
        "Leg to blame: delivery (the servers between the one that accepted the message and the"
        " mailbox)" in words
    )
    assert f'<a href="{SITE}alerts.md#mailtripfailing">runbook MailtripFailing</a>' in text
    assert f"First: {Reason.OVERDUE.first_step}" in text
    assert f'<a href="{SITE}faults.md#on-the-way">What overdue means' in text
    assert "10.0 s in all" in words


async def test_a_failure_that_is_ours_blames_no_leg() -> None:
    why = Failure(Phase.SEND, Step.RCPT, Reason.STARVED, "", "mailtrip was late by 9 s")
    text = await page(replace(FAILED, facts=(), failure=why))
    assert "Leg to blame" not in text
    assert f"{SITE}alerts.md#mailtripoverloaded" in text


async def test_a_success_says_how_long_we_waited_ourselves_and_the_name_in_the_queue() -> None:
    spans = (
        Span(Phase.OPEN, None, 0.0, 0.1),
        Span(Phase.SEND, None, 1.5, 0.1),
        Span(Phase.DELIVER, None, 1.6, 0.1),
    )
    facts = (Reply(250, "2.0.0 Ok: queued as 4jccl76F"), Arrival("INBOX", "header", 0.1, 0.2))
    text = await page(replace(FAILED, spans=spans, facts=facts, failure=None, duration=1.7))
    words = words_of(text)
    assert "OK : round trip 0.20 s, delivery delay 0.10 s 1.70 s in all, of which 1.40 s" in words
    assert "queue name 4jccl76F, in the log of the accepting server" in words
    assert "runbook" not in words
    assert "First:" not in words


async def test_a_failed_trip_whose_message_is_back_says_its_delay_too() -> None:
    why = Failure(Phase.VERIFY, None, Reason.JUNK, "", "filed as spam")
    facts = (Arrival("Junk", "header", 1.5, 2.5, junk=True),)
    words = words_of(await page(replace(FAILED, facts=facts, failure=why)))
    assert "filed as spam round trip 2.50 s, delivery delay 1.50 s; 10.0 s in all" in words


async def test_addresses_in_the_words_of_a_server_are_links() -> None:
    why = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", f"blocked, see {LINK}")
    text = await page(replace(FAILED, failure=why))
    assert f'see <a href="{LINK}" rel="noopener noreferrer nofollow">{LINK}</a>' in text


async def test_a_listing_leads_to_its_delisting_page_and_blames_no_leg() -> None:
    facts = (
        QueriedList("bl.example.org", True),
        Listing(
            "bl.example.org", "192.0.2.1", ListState.LISTED, text=LINK, delisting=f"{LINK}/off"
        ),
    )
    why = Failure(Phase.VERIFY, None, Reason.LISTED, "", "listed")
    spans = (Span(Phase.VERIFY, None, 0.0, 10.0, Reason.LISTED),)
    text = await page(
        Outcome(FAILED.trip, ProbeKey(KEY.module, "x@example.org"), 1.0, 10.0, spans, facts, why)
    )
    assert f'<a href="{LINK}/off"' in text
    assert f'<a href="{LINK}"' in text
    assert "Leg to blame" not in text
    assert f"{SITE}blocklists.md#when-you-are-listed" in text


async def test_what_came_home_instead_of_the_message_has_its_time_and_the_legs() -> None:
    answer = Answer(Home.REPLY, "a@b.example", "Away", 1_700_000_000.0, 2.1, 0.4, 0.5, None)
    words = words_of(await page(replace(FAILED, facts=(answer,), failure=None)))
    assert "came home answer from a@b.example: Away" in words
    assert "written 2023-11-14 22:13:20 UTC , by its clock" in words
    assert "legs there 2.10 s, back 0.40 s; ± 0.50 s if its clock is right" in words


@pytest.mark.parametrize("text", ["part", "0", "5 s", "10 s", "took", "what happened"])
async def test_the_waterfall_has_an_axis(text: str) -> None:
    shown = await page(replace(FAILED, spans=SPANS))
    head = shown[shown.index("<thead>") : shown.index("</thead>")]
    assert f">{text}<" in head.replace("\n", "<").replace("</tr>", "<")


async def test_a_trip_leads_to_those_before_and_after_it_and_to_its_outage() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(3, WHY), trip(4))
        text = await page_of(here, f"/trips/{trip(2).trip}")
        assert f'<a href="{trip(1).trip}" rel="prev">previous trip: OK</a>' in text
        assert f'<a href="{trip(3).trip}" rel="next">next trip: failed</a>' in text
        assert f'<a href="../outages/{trip(2).trip}">an outage</a>' in text
        assert "over after 2 min, 2 failed trips" in words_of(text)
        assert 'rel="prev"' not in await page_of(here, f"/trips/{trip(1).trip}")
        last = await page_of(here, f"/trips/{trip(4).trip}")
        assert 'rel="next"' not in last
        assert "outages/" not in last.replace('../outages"', "")


async def test_a_trip_in_progress_has_one_before_it_and_is_the_next_of_that() -> None:
    async with site(delay=None) as here:
        await happened(here, trip(1))
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        (flight,) = here.probes.get_or_create(KEY).flights
        text = await page_of(here, f"/trips/{flight}")
        assert f'<a href="{trip(1).trip}" rel="prev">previous trip: OK</a>' in text
        text = await page_of(here, f"/trips/{trip(1).trip}")
        assert f'<a href="{flight}" rel="next">next trip: in progress</a>' in text


@pytest.mark.parametrize(
    ("path", "marked"),
    [("/trips?module=submission&target=a@example.org", 0), (f"/trips/{trip(2).trip}", 1)],
)
async def test_the_delays_of_the_probe_are_drawn_and_described(path: str, marked: int) -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(3))
        text = await page_of(here, path)
        assert 'role="img" aria-labelledby="chart-title chart-summary"' in text
        assert '<title id="chart-title">Delivery delays of 3 trips</title>' in text
        assert "1 of 3 trips failed; median delay 1.50 s, largest 1.50 s" in text
        assert text.count("<circle ") == 2
        assert text.count("<use ") == 1
        assert text.count('<line class="marked"') == marked


async def test_a_page_renews_itself_until_a_reader_stops_it() -> None:
    of_probe = "/trips?module=submission&target=a%40example.org"
    async with site(delay=None) as here:
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        (flight,) = here.probes.get_or_create(KEY).flights
        for path, parameter in (
            (of_probe, "&amp;refresh=off"),
            (f"/trips/{flight}", "refresh=off"),
        ):
            page = await page_of(here, path)
            assert 'http-equiv="refresh"' in page
            (pause,) = re.findall(f'<a href="([?].*{parameter})">pause</a>', page)
            paused = path.partition("?")[0] + pause.replace("&amp;", "&")
            page = await page_of(here, paused)
            assert 'http-equiv="refresh"' not in page
            (resume,) = re.findall('<a href="([?].*)">resume</a>', page)
            back = path.partition("?")[0] + resume.replace("&amp;", "&")
            assert 'http-equiv="refresh"' in await page_of(here, back)
        await page_of(here, f"{of_probe}&refresh=on", 400)
        await page_of(here, f"/trips/{flight}?refresh=on", 400)


async def test_the_page_of_a_probe_says_how_it_stands() -> None:
    async with site() as here:
        await happened(here, trip(1))
        path = "/trips?module=submission&target=a@example.org"
        page = await page_of(here, path)
        assert "OK : round trip 2.50 s, delivery delay 1.50 s" in words_of(page)
        (debug,) = re.findall('href="(probe[^"]+)"', page)
        text = await page_of(here, "/" + debug.replace("&amp;", "&"))
        assert "mailtrip_" in text
        await happened(here, trip(2, WHY))
        page = await page_of(here, path)
        assert f'<a href="trips/{trip(2).trip}">Newest trip</a>: send/rcpt: rejected 554' in page
        assert "Availability" not in page, "of the last 30 days nothing is known"
        now = here.rig.clock.wall()
        await happened(here, replace(trip(3), started_at=now - 7200.0))
        await happened(here, replace(trip(4, WHY), started_at=now - 3600.0))
        words = words_of(await page_of(here, path))
        assert "Availability without planned outages: 4.34" in words, "an hour of 23"


async def test_of_several_tls_sessions_each_says_which_it_is() -> None:
    facts = tuple(
        TlsSession(Leg.SEND, "TLSv1.3", cipher, None, issuer="CN=our CA", host=host)
        for cipher, host in (("AES128", "mx1.lab.test"), ("AES256", "mx2.lab.test"))
    )
    first = await page(replace(FAILED, facts=facts[:1]))
    both = await page(replace(FAILED, facts=facts))
    assert "<dt>TLS, send<dd>TLSv1.3 AES128" in first
    for number, host, cipher in ((1, "mx1.lab.test", "AES128"), (2, "mx2.lab.test", "AES256")):
        which = f"session {number} of 2, {host}"
        assert f"<dt>TLS, send<dd>{which}: TLSv1.3 {cipher}" in both
        assert f"<dt>certificate<dd>{which}: issued by CN=our CA" in both


async def test_every_fact_is_there_in_its_words_or_in_a_table_of_its_own() -> None:
    async with site() as here:
        for number, (fact, rows) in enumerate(EVERY_FACT.items()):
            outcome = replace(FAILED, trip=f"{number:014x}", facts=(fact,))
            await kept(here, outcome)
            text = re.sub("</?time[^>]*>", "", await page_of(here, f"/trips/{outcome.trip}"))
            details = words_of(text).partition(" Details ")[2]
            for row in rows:
                name, _, said = row.partition(": ")
                shown = f"{name} {' '.join(said.split())}" in details
                assert shown is not isinstance(fact, Changes | ExchangerVisit | Hop | Listing), row


async def test_what_authentication_says_has_a_colour_beside_its_word() -> None:
    results = {"spf": "pass", "dkim": "fail", "dmarc": "none"}
    facts = tuple(Authentication(method, result) for method, result in results.items())
    text = await page(replace(FAILED, facts=facts))
    for name, style, result in (
        *(("SPF", ' class="good"', "pass"), ("DKIM", ' class="bad"', "fail")),
        ("DMARC", "", "none"),
    ):
        assert f"<dt>{name}<dd{style}>{result}" in text


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/trips?probe=%3Cb%3E", 404, "no probe &#39;&lt;b&gt;&#39;"),
        ("/trips?module=submission&target=a@example.com", 403, "a@example.com"),
        ("/trips?module=submission&target=a@example.org&page=0", 400, "is not a page number"),
        ("/outages?lasting=no", 400, "unknown value"),
        ("/report?month=x", 400, "month"),
        ("/?state=x", 400, "state"),
    ],
)
async def test_a_browser_gets_an_error_as_a_page_and_other_clients_a_line(
    path: str, status: int, text: str
) -> None:
    async with site() as here:
        got, shown = await here.get(path, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert got == status
        assert text in shown
        assert '<a href="./">All probes</a>' in shown
        got, shown = await here.get(path)
        assert got == status
        assert shown.count("\n") == 1
        assert "<html" not in shown


async def test_it_has_a_table_of_the_exchangers_with_what_each_said() -> None:
    text = await page(replace(FAILED, facts=VISITS, failure=None))
    words = words_of(text)
    assert "mx1.example.org 192.0.2.1 MX 10 OK 1.50 s TLSv1.3 AES, certificate valid until" in words
    assert "policy: dane, enforce" in words
    assert "2001:db8::1 MX 10 failed : send/rcpt: rejected 550: unknown <user>" in words
    assert "Transcript: mx1.example.org [2001:db8::1]" in words
    assert "S: 550 unknown &lt;user&gt;" in text
    assert "mx2.example.org 192.0.2.2 MX 20 unknown : deliver: unavailable" in words
    assert "MX3.example.org none found MX 30 failed : send/resolve: dns NXDOMAIN" in words
    assert "Exchangers" not in words_of(await page(replace(FAILED, facts=())))


async def test_what_changed_is_a_table_with_a_text_for_the_other_postmaster() -> None:
    change = Change("spf_record", "example.org", ("v=spf1 <b>-all",), ())
    found = Changes("good1", 1_700_000_000.0, (change,), ("the servers on the way",), ("bl.test",))
    text = await page(replace(FAILED, facts=(*FAILED.facts, found)))
    words = words_of(text)
    assert "changed since the last good trip at 2023-11-14 22:13 UTC" in words
    assert "what before in this trip the SPF record of example.org v=spf1 <b>-all none" in words
    assert '<a href="good1">last good trip</a>' in text
    assert "The leaving address is listed on bl.test." in words
    assert "As before: the servers on the way." in words
    assert f"Subject: mail to {KEY.target} fails since" in words
    assert "<b>-all" not in text


async def test_a_good_trip_that_was_compared_needs_no_postmaster() -> None:
    found = Changes("good1", 1_700_000_000.0, (Change("left_from", "", ("a",), ("b",)),), (), ())
    ok = replace(FAILED, failure=None, facts=(found,))
    text = await page(ok)
    assert "What changed" in words_of(text)
    assert "postmaster" not in text
    assert "What changed" not in words_of(await page(FAILED))


async def answer_to(
    here: Site, path: str, accept: str = "text/html,*/*"
) -> tuple[int, str, str, str]:
    """Status, kind, where it leads to, and text."""
    url, headers = f"http://{here.host}:{here.port}{path}", {"Accept": accept}
    async with here.http.get(url, headers=headers, allow_redirects=False) as answer:
        leads_to = answer.headers.get("Location", "")
        return answer.status, answer.content_type, leads_to, await answer.text()


async def test_a_trip_is_also_plain_text_for_a_ticket() -> None:
    word = Mint(b"k" * 32).mint(1_700_000_000).word
    late = LateArrival(1_700_003_601.0, 3600.0, "INBOX", (), ("Received: by late.example.net",))
    why = Failure(Phase.DELIVER, None, Reason.OVERDUE, "", "sent, but not seen")
    said = (f"    0.001 send    C: Subject: {word}",)
    outcome = replace(FAILED, facts=(late,), failure=why, transcript=said)
    async with site() as here:
        await kept(here, outcome)
        path = f"/trips/{outcome.trip}"
        assert f'<a href="{outcome.trip}?format=text">text</a>' in (await here.get(path))[1]
        status, kind, _, text = await answer_to(here, f"{path}?format=text")
        assert (status, kind) == (200, "text/plain")
        assert text.startswith("mailtrip ")
        for expected in (
            "submission → a@example.org, started 2023-11-14 22:13:20+00:00\n",
            "\ndeliver: overdue: sent, but not seen\n",
            "  arrived late      2023-11-14 23:13:21 UTC, in INBOX\n  delivery delay    3600.000"
            " s\n",
            "C: Subject: <token>",
            "\nreceived headers\nReceived: by late.example.net\n",
        ):
            assert expected in text, expected
        assert word not in text


async def test_the_trace_of_a_trip_is_on_its_page_in_its_text_and_in_the_api() -> None:
    traced, other = replace(FAILED, trace_id="0af7" * 8), replace(FAILED, trip="1" * 14)
    async with site() as here:
        for outcome in (traced, other):
            await kept(here, outcome)
        _, page = await here.get(f"/trips/{traced.trip}")
        assert f" · trace ID <code>{traced.trace_id}</code></p>" in page
        text = (await answer_to(here, f"/trips/{traced.trip}?format=text"))[3]
        assert f"20+00:00, trace ID {traced.trace_id}\n" in text
        assert await trace_in_api(here, traced.trip) == traced.trace_id
        assert "trace ID" not in (await here.get(f"/trips/{other.trip}"))[1]
        assert await trace_in_api(here, other.trip) is None


async def trace_in_api(here: Site, trip: str) -> str | None:
    document = json.loads((await here.get(f"/api/v1/trips/{trip}"))[1])
    found: str | None = document["trace_id"]
    return found


async def test_text_tells_of_a_trip_in_progress_of_a_check_of_blocklists_and_of_a_verdict() -> None:
    async with site(delay=None) as here:
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        (flight,) = here.probes.get_or_create(KEY).flights
        text = (await answer_to(here, f"/trips/{flight}?format=text"))[3]
        assert "  in progress  " in text
        listing = Listing("bl.example.net", "192.0.2.7", ListState.LISTED)
        asked = replace(trip(1), facts=(listing,), transcript=("    0.001 lists   -- asked",))
        await happened(here, asked)
        text = (await answer_to(here, f"/trips/{asked.trip}?format=text"))[3]
        assert "  bl.example.net  192.0.2.7  listed" in text
        both = replace(trip(3), facts=(listing, Arrival("INBOX", "header", 0.1, 0.2)))
        await happened(here, both)
        text = (await answer_to(here, f"/trips/{both.trip}?format=text"))[3]
        assert "blocklist         192.0.2.7 is listed on bl.example.net" in text
        assert "\nOK: round trip 0.200 s, delivery delay 0.100 s\n" in text
        await happened(here, brief := replace(trip(2), spans=(), transcript=(), facts=()))
        text = (await answer_to(here, f"/trips/{brief.trip}?format=text"))[3]
        assert text.endswith("\nOnly the verdict of this trip is kept.\n")
        assert "nothing was exchanged" not in text


async def test_programs_are_led_to_the_json_of_a_trip_and_browsers_get_a_page() -> None:
    async with site() as here:
        await kept(here, FAILED)
        path = f"/trips/{FAILED.trip}"
        to_json = (302, f"../api/v1{path}")
        for wanted, accept in (("?format=json", "text/html,*/*"), ("", "application/json")):
            assert (await answer_to(here, path + wanted, accept))[::2] == to_json, accept
        assert f'"trip": "{FAILED.trip}"' in (await here.get(path, Accept="application/json"))[1]
        for accept in ("text/html,application/json", "*/*"):
            assert (await answer_to(here, path, accept))[:2] == (200, "text/html")
        assert (await answer_to(here, f"{path}?format=html", "application/json"))[1] == "text/html"
        status, _, _, text = await answer_to(here, f"{path}?format=pdf", "*/*")
        assert (status, text) == (400, "the parameter format is html, text or json\n")
        status, _, _, text = await answer_to(here, "/trips/00000000000000?format=text", "*/*")
        assert (status, text) == (404, "there is no record of trip 00000000000000\n")
