"""Outcome → series → text."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.facts import (
    Arrival,
    Authentication,
    Hop,
    LeftFrom,
    SenderCheck,
    SpamScore,
)
from exporter.core.model import Exchanger, Failure, Outcome, ProbeKey, Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import Rejection
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.exporter import Readings
from exporter.metrics.metrics import Metrics
from exporter.metrics.text import Text
from tests.support.pauses import at_once
from tests.support.scopes import SUBMISSION

GOLDEN = Path(__file__).parent / "golden"
KEY = ProbeKey("submission", "someone@example.org")
SUCCESS = Outcome(
    trip="0123456789abcd",
    probe=KEY,
    started_at=1_700_000_000.0,
    duration=7.5,
    spans=(
        Span(Phase.OPEN, Step.CONNECT, 0.0, 0.002),
        Span(Phase.OPEN, Step.LOGIN, 0.002, 0.3),
        Span(Phase.OPEN, None, 0.0, 0.5),
        Span(Phase.SEND, Step.CONNECT, 0.5, 0.01, Reason.CONNECT),
        Span(Phase.SEND, Step.DATA, 0.6, 0.2),
        Span(Phase.SEND, None, 0.5, 0.5),
        Span(Phase.DELIVER, Step.FETCH, 6.9, 0.1),
        Span(Phase.DELIVER, None, 1.0, 6.0),
        Span(Phase.VERIFY, None, 7.0, 0.0),
        Span(Phase.DELETE, None, 7.0, 0.5),
    ),
    facts=(
        Reply(250, "2.0.0 Ok: queued as 4XyZ"),
        Exchanger("mx1.example.org", 10),
        TlsSession(Leg.SEND, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 1_800_000_000.0, 1_790_000_000.0),
        TlsSession(Leg.MAILBOX, "TLSv1.2", "ECDHE", None),
        Hop(
            1,
            "mx1.example.org",
            "exporter.example.org",
            "192.0.2.1",
            "ESMTPS",
            1_700_000_001.0,
            1.0,
            0.0,
        ),
        Hop(
            2, "mx2.example.org", "mx1.example.org", "192.0.2.2", "ESMTP", 1_699_999_999.0, 0.0, 2.0
        ),
        Hop(3, "", "", "", "", None, None, None),
        Hop(4, "imap.example.org", "mx2.example.org", "", "LMTP", 1_700_000_005.0, 6.0, -1.0),
        LeftFrom("192.0.2.2"),
        Authentication("spf", "softfail"),
        Authentication("dkim", "pass"),
        SenderCheck("dmarc", "example.org", "fail", "neither SPF nor DKIM passed", ""),
        SpamScore("rspamd", -1.2),
        Arrival("INBOX", "header", 6.0, 6.5),
    ),
)
FAILURE = replace(
    SUCCESS,
    duration=1.0,
    spans=(Span(Phase.OPEN, None, 0.0, 0.5), Span(Phase.SEND, None, 0.5, 0.5, Reason.REJECTED)),
    facts=(Reply(550, 'no "such" user\\'),),
    failure=Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "no such user"),
)


def metrics() -> Metrics:
    statistics = Statistics(reconnects=2, deleted=5, messages=7)
    statistics.rejected[Rejection.FOREIGN_INSTANCE] = 3
    made = Metrics(Readings(lambda: {"monitor": statistics}))
    made.known(KEY, "gmail", SUBMISSION)
    return made


def series(text: bytes | Text) -> dict[str, float]:
    lines = (
        line.rpartition(" ") for line in text.decode().splitlines() if not line.startswith("#")
    )
    return {name: float(value) for name, _, value in lines}


def finished(made: Metrics, *outcomes: Outcome) -> dict[str, float]:
    for outcome in outcomes:
        made.started(KEY)
        made.finished(outcome)
    return series(at_once(made.probe(KEY)))


PAGES: dict[str, list[Outcome]] = {
    "new": [],
    "success": [SUCCESS],
    "failure_after_success": [SUCCESS, FAILURE],
}


def page(outcomes: list[Outcome]) -> bytes:
    made = metrics()
    finished(made, *outcomes)
    return bytes(at_once(made.probe(KEY)))


@pytest.mark.parametrize("name", PAGES)
def test_probe_is_as_it_was(name: str, promtool: str) -> None:
    """After a change that is meant: python -m tests.metrics.test_outcome, then read the
    difference."""
    text = page(PAGES[name])
    assert text.decode() == (GOLDEN / f"probe_{name}.txt").read_text()
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_metrics_shows_named_probes_with_their_name_and_the_mailboxes(promtool: str) -> None:
    made = metrics()
    made.known(ProbeKey("submission", "unnamed@example.org"), None, SUBMISSION)
    finished(made, SUCCESS)
    text = bytes(at_once(made.everything()))
    shown = series(text)
    assert shown['mailtrip_success{probe="gmail"}'] == 1
    assert shown['mailtrip_delivery_delay_seconds_count{probe="gmail"}'] == 1
    assert shown['mailtrip_mailbox_connected{mailbox="monitor"}'] == 1
    assert shown['mailtrip_mailbox_reconnects_total{mailbox="monitor"}'] == 2
    assert shown['mailtrip_messages_deleted_total{mailbox="monitor"}'] == 5
    assert shown['mailtrip_mailbox_messages{mailbox="monitor"}'] == 7
    assert shown['mailtrip_tokens_rejected_total{mailbox="monitor",reason="foreign_instance"}'] == 3
    assert shown['mailtrip_tokens_rejected_total{mailbox="monitor",reason="malformed"}'] == 0
    assert "process_cpu_seconds_total" in shown
    assert not any("unnamed" in name for name in shown)
    assert not any(name.startswith("probe_") for name in shown)
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert len({family.name for family in text_string_to_metric_families(text.decode())}) > 30


def test_a_failure_is_told_where_it_broke_and_is_gone_after_a_success() -> None:
    made = metrics()
    shown = finished(made, FAILURE)
    info = 'mailtrip_last_failure_info{code="550",phase="send",reason="rejected",step="rcpt"}'
    assert shown[info] == 1
    assert shown["mailtrip_success"] == shown["probe_success"] == 0
    assert shown['mailtrip_leg_success{leg="send"}'] == 0
    assert shown['mailtrip_leg_success{leg="mailbox"}'] == 1
    assert 'mailtrip_leg_success{leg="delivery"}' not in shown
    assert info not in finished(made, SUCCESS)


def test_nothing_that_an_earlier_trip_knew_vanishes_with_a_failure() -> None:
    made = metrics()
    before = finished(made, SUCCESS)
    after = finished(made, FAILURE)
    gone = {name for name in before if name not in after}
    assert gone == {'mailtrip_leg_success{leg="delivery"}'}
    assert after["mailtrip_last_success_timestamp_seconds"] == SUCCESS.finished_at
    assert after['mailtrip_tls_certificate_expiry_timestamp_seconds{leg="send"}'] == 1_800_000_000


def test_the_histograms_are_cumulative_and_add_up() -> None:
    made = metrics()
    slow = replace(SUCCESS, facts=(Arrival("INBOX", "header", 5000.0, 5001.0),))
    unwatched = replace(SUCCESS, facts=(Arrival("INBOX", "header", None, None),))
    shown = finished(made, SUCCESS, slow, unwatched)
    name = "mailtrip_delivery_delay_seconds"
    buckets = [value for series, value in shown.items() if series.startswith(f"{name}_bucket")]
    assert buckets == sorted(buckets)
    assert shown[f'{name}_bucket{{le="4.0"}}'] == 0
    assert shown[f'{name}_bucket{{le="15.0"}}'] == 1
    assert shown[f'{name}_bucket{{le="3600.0"}}'] == 1
    assert shown[f'{name}_bucket{{le="+Inf"}}'] == shown[f"{name}_count"] == 2
    assert shown[f"{name}_sum"] == 5006


def test_every_series_of_the_golden_page_is_explained_in_it() -> None:
    text = (GOLDEN / "probe_success.txt").read_text()
    names = {
        re.sub(r"_(bucket|sum|count)$", "", re.split(r"[{ ]", line)[0])
        for line in text.splitlines()
        if line[0] != "#"
    }
    helped = set(re.findall(r"^# HELP (\S+)", text, re.MULTILINE))
    assert names == helped


if __name__ == "__main__":
    for name, outcomes in PAGES.items():
        (GOLDEN / f"probe_{name}.txt").write_bytes(page(outcomes))
