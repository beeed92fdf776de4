"""The trace of a trip: what its page shows, in the terms of OpenTelemetry."""

from dataclasses import replace

import pytest

from exporter.core.facts import FilterTest, Hop, LateArrival, Unclear
from exporter.core.model import Failure, Outcome, ProbeKey, Reply, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.identity import span_id, trace_id
from exporter.mail.tokens import Mint
from exporter.net.otlp.span import Kind, OtlpSpan
from exporter.tracing.trip import LONGEST_TEXT, MOST_HOPS, TripTrace, late_spans
from exporter.web.pages.waterfall import Waterfall
from tests.support.good_trip import GOOD, MX1, WAY

KEY = ProbeKey("submission", "a@example.org")
TRIP = "0123456789abcd"
BEGAN = 1_800_000_000.25
SPANS = (
    Span(Phase.OPEN, None, 0.0, 1.0),
    Span(Phase.OPEN, Step.CONNECT, 0.1, 0.2, note="imap.example.net:993"),
    Span(Phase.OPEN, Step.TLS, 0.3, 0.1),
    Span(Phase.OPEN, Step.LOGIN, 0.5, 0.5),
    Span(Phase.SEND, Step.RESOLVE, 1.0, 0.25, note="example.net MX"),
    Span(Phase.SEND, Step.RESOLVE, 1.25, 0.25, note=MX1),
    Span(Phase.SEND, Step.CONNECT, 1.5, 0.25, Reason.CONNECT, note="mx0.example.net:25"),
    Span(Phase.SEND, Step.CONNECT, 1.75, 0.25, note=f"{MX1}:25"),
    Span(Phase.SEND, Step.TLS, 2.0, 0.5),
    Span(Phase.SEND, Step.DATA, 2.5, 0.5),
    Span(Phase.SEND, None, 1.0, 2.0),
    Span(Phase.DELIVER, None, 3.0, 2.0),
    Span(Phase.VERIFY, None, 5.0, 0.0),
    Span(Phase.DELETE, Step.DELETE, 5.0, 0.5),
    Span(Phase.DELETE, None, 5.0, 0.5),
)
OUTCOME = Outcome(TRIP, KEY, BEGAN, 5.5, SPANS, GOOD)
FAILED = replace(
    OUTCOME,
    spans=(
        Span(Phase.SEND, Step.RCPT, 0.0, 1.0, Reason.REJECTED),
        Span(Phase.SEND, None, 0.0, 1.0, Reason.REJECTED),
    ),
    facts=(Reply(550, "no such user"),),
    failure=Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "no such user"),
    duration=1.0,
)


def spans_of(outcome: Outcome, after: str = "") -> list[OtlpSpan]:
    return [*TripTrace(outcome, "someone", after).spans()]


def one(outcome: Outcome, name: str) -> OtlpSpan:
    (found,) = (span for span in spans_of(outcome) if span.name == name)
    return found


def test_the_spans_are_those_of_the_waterfall() -> None:
    """Names and times, within a microsecond: the first is the whole trip."""
    whole, *spans = spans_of(OUTCOME)
    rows = [row for row in Waterfall(OUTCOME).rows() if row.kind != "wait"]
    drawn = sorted((row.label, row.start, row.start + (row.duration or 0.0)) for row in rows)
    begin = round(BEGAN * 1e9)
    made = sorted(
        (span.name, (span.start - begin) / 1e9, (span.end - begin) / 1e9) for span in spans
    )
    assert [name for name, *_ in made] == [name for name, *_ in drawn]
    for (_, *times), (_, *expected) in zip(made, drawn, strict=True):
        assert times == pytest.approx(expected, abs=1e-6)
    assert (whole.name, whole.start, whole.end) == ("trip someone", begin, begin + 5_500_000_000)


def test_each_step_is_below_its_phase_and_everything_below_the_trip() -> None:
    spans = {span.id: span for span in spans_of(OUTCOME)}
    assert len(spans) == len(SPANS) + len(WAY) + 1, "no two have the same id"
    below = {(span.name, spans[span.parent].name) for span in spans.values() if span.parent}
    whole = "trip someone"
    assert below == {
        *((name, whole) for name in ("open", "send", "deliver", "verify", "delete")),
        *((f"hop {number}", whole) for number in (1, 2, 3)),
        *((name, "open") for name in ("connect", "tls", "login")),
        *((name, "send") for name in ("resolve", "connect", "tls", "data")),
        ("delete", "delete"),
    }
    for span in spans.values():
        assert span.trace == trace_id(TRIP)
        if span.parent and not span.name.startswith("hop"):
            around = spans[span.parent]
            assert around.start <= span.start <= span.end <= around.end, span.name


def test_attributes_have_the_names_of_the_semantic_conventions_where_they_exist() -> None:
    spans = spans_of(OUTCOME)
    tls = [span for span in spans if span.name == "tls"]
    assert [dict(span.attributes) for span in tls] == [
        {
            "mailtrip.phase": phase,
            "mailtrip.step": "tls",
            "server.address": host,
            "server.port": port,
            "tls.protocol.name": "tls",
            "tls.protocol.version": "1.3",
            "tls.cipher": "TLS_AES_256_GCM_SHA384",
            "tls.server.issuer": "CN=CA",
            "tls.server.hash.sha256": digest,
        }
        for phase, host, port, digest in (
            ("open", "imap.example.net", 993, "CD" * 32),
            ("send", MX1, 25, "AB" * 32),
        )
    ]
    assert {span.kind for span in tls} == {Kind.CLIENT}
    mx, host = (span.attributes for span in spans if span.name == "resolve")
    assert "dns.question.name" not in mx, "it is not clear whose"
    assert host["dns.question.name"] == MX1
    assert one(OUTCOME, "login").attributes["server.address"] == "imap.example.net"
    assert one(OUTCOME, "data").attributes["server.address"] == MX1
    hop = one(OUTCOME, "hop 2")
    assert dict(hop.attributes) == {
        "mailtrip.hop": 2,
        "server.address": MX1,
        "client.address": "192.0.2.7",
        "mailtrip.hop.helo": "mail.example.org",
        "mailtrip.hop.protocol": "ESMTPS",
        "mailtrip.hop.received_at": 2.0,
    }


def test_an_error_that_was_got_over_is_that_of_its_step_alone() -> None:
    failed = [span for span in spans_of(OUTCOME) if span.error is not None]
    assert [(span.name, span.error) for span in failed] == [("connect", "connect")]
    assert failed[0].attributes["error.type"] == "connect"


def test_a_failure_is_the_status_of_its_step_its_phase_and_the_trip() -> None:
    whole, phase, step = spans_of(FAILED)
    assert whole.error == "send/rcpt: rejected 550: no such user"
    assert (phase.error, step.error) == ("rejected: no such user",) * 2
    assert {
        "error.type": "rejected",
        "mailtrip.phase": "send",
        "mailtrip.step": "rcpt",
        "mailtrip.reason": "rejected",
        "mailtrip.leg": "send",
        "mailtrip.code": "550",
        "mailtrip.smtp.reply_code": 550,
        "mailtrip.success": False,
    }.items() <= whole.attributes.items()


def test_a_refusal_that_is_expected_is_no_error() -> None:
    expected = replace(FAILED, failure=None)
    assert {span.error for span in spans_of(expected)} == {None}


def test_the_whole_says_what_trip_it_is() -> None:
    accepted = replace(OUTCOME, facts=(Reply(250, "2.0.0 Ok: queued as 4XyZ1Qk"),), planned=True)
    whole = spans_of(replace(accepted, recheck=True), "fedcba9876543210"[:14])[0]
    assert dict(whole.attributes) == {
        "mailtrip.trip": TRIP,
        "mailtrip.probe": "someone",
        "mailtrip.module": "submission",
        "mailtrip.target": "a@example.org",
        "mailtrip.success": True,
        "mailtrip.recheck": True,
        "mailtrip.planned": True,
        "mailtrip.smtp.reply_code": 250,
        "mailtrip.queue_id": "4XyZ1Qk",
    }
    (link,) = whole.links
    before = "fedcba98765432"
    assert (link.trace, link.span) == (trace_id(before), span_id(before, "trip"))
    assert link.attributes == {"mailtrip.link": "recheck", "mailtrip.trip": before}
    assert spans_of(OUTCOME)[0].links == ()


def test_a_late_message_adds_a_span_to_the_trace_of_its_trip() -> None:
    arrival = LateArrival(BEGAN + 600.0, 598.0, "INBOX", WAY, ("X-Secret: 1",))
    late, *hops = late_spans(TRIP, KEY, "someone", arrival)
    assert (late.trace, late.parent) == (trace_id(TRIP), span_id(TRIP, "trip"))
    assert (late.end - late.start, late.end) == (598 * 10**9, round((BEGAN + 600.0) * 1e9))
    assert [link.span for link in late.links] == [span_id(TRIP, "trip")]
    assert late.attributes["mailtrip.delivery_delay"] == 598.0
    assert [hop.name for hop in hops] == ["hop 1", "hop 2", "hop 3"]
    assert {hop.parent for hop in hops} == {late.id}
    assert {hop.id for hop in hops}.isdisjoint(span.id for span in spans_of(OUTCOME))
    unknown = replace(arrival, delay=None)
    (when, *_) = late_spans(TRIP, KEY, "someone", unknown)
    assert when.start == when.end
    assert "mailtrip.delivery_delay" not in when.attributes


def test_no_token_no_text_of_others_and_nothing_long_is_in_it() -> None:
    token = Mint(b"k" * 32).mint(0)
    assert FAILED.failure
    stranger = Unclear("stranger@example.com", "about your mail", "I wrote this")
    shown = replace(
        FAILED,
        spans=(
            replace(FAILED.spans[0], note=f"x{token.word} {token.address_part}"),
            FAILED.spans[1],
        ),
        facts=(*FAILED.facts, stranger, FilterTest("junk")),
        failure=replace(FAILED.failure, detail=f"{token.word}{'y' * 2000}"),
        probe=ProbeKey("submission", "z" * 2000),
    )
    for span in spans_of(shown):
        texts = [span.name, span.error or "", *map(str, span.attributes.values())]
        whole = " ".join(texts)
        assert token.word not in whole
        assert token.address_part not in whole
        assert "stranger" not in whole
        assert "I wrote" not in whole
        assert max(map(len, texts)) <= LONGEST_TEXT


def test_the_hops_of_a_message_are_bounded() -> None:
    many = tuple(Hop(number, "a", "b", "", "", None, 0.0, None) for number in range(1000))
    assert len(spans_of(replace(OUTCOME, spans=(), facts=many))) == MOST_HOPS + 1


def test_a_trip_without_phases_has_a_trace() -> None:
    """A bug may end one before its first phase, and a restart in the middle."""
    lone = Span(Phase.DELIVER, Step.FETCH, 0.0, 1.0)
    whole, step = spans_of(replace(OUTCOME, spans=(lone,), facts=()))
    assert step.parent == whole.id
    again = Span(Phase.OPEN, None, 2.0, 1.0), Span(Phase.OPEN, Step.LOGIN, 2.5, 0.1)
    before = Span(Phase.OPEN, None, 0.0, 1.0), Span(Phase.OPEN, Step.TLS, 0.5, 0.1)
    spans = spans_of(replace(OUTCOME, spans=(*before, *again), facts=()))
    ids = {(span.name, span.start): span.id for span in spans}
    login, tls = (next(one for one in spans if one.name == name) for name in ("login", "tls"))
    start = spans[0].start
    assert tls.parent == ids["open", start]
    assert login.parent == ids["open", start + 2 * 10**9]
