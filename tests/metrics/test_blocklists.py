"""Outcomes of blocklist checks → series → text."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.facts import LateArrival
from exporter.core.model import Failure, Listing, ListState, Outcome, ProbeKey, QueriedList
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope
from exporter.metrics.metrics import Metrics
from tests.metrics import test_outcome as test_metrics
from tests.support.pauses import at_once

GOLDEN = Path(__file__).parent / "golden"
KEY = ProbeKey("reputation", "example.org")
LISTS = ("zen.example", "dnswl.example", "dead.example")
LISTED = Outcome(
    trip="0123456789abcd",
    probe=KEY,
    started_at=1_700_000_000.0,
    duration=2.5,
    facts=(
        QueriedList("zen.example", True, durations=(0.002, 0.003, 0.02)),
        QueriedList("dnswl.example", True, durations=(0.004,)),
        QueriedList("dead.example", False, "no answer in time", (2.0, 2.0), ("timeout", "timeout")),
        Listing(
            "zen.example",
            "192.0.2.1",
            ListState.LISTED,
            ("127.0.0.2", "127.0.0.4"),
            ("SBL", "XBL"),
            "a reason",
        ),
        Listing("zen.example", "2001:db8::1", ListState.CLEAN),
        Listing(
            "dnswl.example",
            "192.0.2.1",
            ListState.LISTED,
            ("127.0.10.3",),
            alarming=False,
            delisting="https://x.example/",
        ),
        Listing("dead.example", "192.0.2.1", ListState.UNKNOWN, text="no answer in time"),
    ),
    failure=Failure(
        Phase.VERIFY,
        None,
        Reason.LISTED,
        "127.0.0.2",
        "192.0.2.1 is listed on zen.example (127.0.0.2)",
    ),
)
NOT_FOUND = replace(LISTED, facts=(), failure=Failure(Phase.VERIFY, None, Reason.DNS, "NXDOMAIN"))
PAGES: dict[str, list[Outcome]] = {"new": [], "listed": [LISTED]}


def page(outcomes: list[Outcome]) -> bytes:
    made = Metrics()
    made.known(KEY, "reputation", BlocklistScope(LISTS))
    for outcome in outcomes:
        made.started(KEY)
        made.finished(outcome)
    return bytes(at_once(made.probe(KEY)))


@pytest.mark.parametrize("name", PAGES)
def test_probe_is_as_it_was(name: str, promtool: str) -> None:
    """After a change that is meant: python -m tests.metrics.test_blocklists, then read the
    difference."""
    text = page(PAGES[name])
    assert text.decode() == (GOLDEN / f"dnsbl_{name}.txt").read_text()
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_what_is_not_known_any_more_is_not_shown() -> None:
    after = test_metrics.series(page([LISTED, NOT_FOUND]))
    assert not any(
        name.startswith(("mailtrip_dnsbl_listed", "mailtrip_dnsbl_code", "mailtrip_dnsbl_list_"))
        for name in after
    )
    assert after['mailtrip_dnsbl_query_failures_total{list="dead.example",reason="timeout"}'] == 2
    assert after["mailtrip_dnsbl_query_duration_seconds_count"] == 6


def test_each_kind_of_probe_has_its_own_series_and_none_of_the_other_kind_s(promtool: str) -> None:
    made = test_metrics.metrics()
    made.known(KEY, "reputation", BlocklistScope(LISTS))
    for outcome in (LISTED, test_metrics.SUCCESS):
        made.started(outcome.probe)
        made.finished(outcome)
    text = bytes(at_once(made.everything()))
    families = {"gmail": set[str](), "reputation": set[str]()}
    for name in test_metrics.series(text):
        for probe, found in families.items():
            if f'probe="{probe}"' in name:
                found.add(name.partition("{")[0])
    common = families["gmail"] & families["reputation"]
    assert common == {
        "mailtrip_probe_info",
        "mailtrip_success",
        "mailtrip_trips_total",
        "mailtrip_failures_total",
        "mailtrip_consecutive_failures",
        "mailtrip_outages_total",
        "mailtrip_outage_seconds_total",
        "mailtrip_trips_in_flight",
        "mailtrip_last_trip_timestamp_seconds",
    }
    assert not any("dnsbl" in name for name in families["gmail"])
    assert all(
        "dnsbl" in name or "last_failure" in name for name in families["reputation"] - common
    )
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_mail_of_a_probe_that_asks_blocklists_now_counts_nowhere() -> None:
    made = Metrics()
    made.known(KEY, "reputation", BlocklistScope(LISTS))
    before = bytes(at_once(made.probe(KEY)))
    made.late(KEY, "late", LateArrival(1000.0, 5.0, "INBOX", (), ()))
    made.lost(KEY)
    made.bounced(KEY)
    made.duplicate(KEY)
    made.restored(replace(test_metrics.SUCCESS, probe=KEY))
    assert "mailtrip_success 1.0" in at_once(made.probe(KEY)).decode().splitlines()
    after = bytes(at_once(made.probe(KEY)))
    assert b"mailtrip_hops" not in after
    assert before != after


if __name__ == "__main__":
    for name, outcomes in PAGES.items():
        (GOLDEN / f"dnsbl_{name}.txt").write_bytes(page(outcomes))
