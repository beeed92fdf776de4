"""Outcomes of looks for a heartbeat → series."""

import subprocess
from dataclasses import replace

from exporter.core.heartbeat import Beat, Watch
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope, HeartbeatScope, RoundTripScope
from exporter.metrics.metrics import Metrics
from tests.support.pauses import at_once

KEY = ProbeKey("nightly", "own")
FAILURES = ((Phase.OPEN, Reason.CONNECT), (Phase.DELIVER, Reason.MISSING))
SCOPE = HeartbeatScope("own", FAILURES)
LAST = "mailtrip_heartbeat_last_timestamp_seconds"
WATCH = Watch(1000.0, 3000.0, last=Beat(2000.0, "backup@host.example", "finished"))
SEEN = Outcome("0123456789abcd", KEY, 3000.0, 0.5, facts=(WATCH.fact(600.0),))
MISSING = replace(SEEN, failure=Failure(Phase.DELIVER, None, Reason.MISSING, "", "none came"))


def metrics() -> Metrics:
    made = Metrics()
    made.known(KEY, "nightly", SCOPE)
    return made


def series(made: Metrics) -> dict[str, str]:
    lines = at_once(made.probe(KEY)).decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_its_failures_exist_at_0_and_the_last_one_does_not() -> None:
    found = series(metrics())
    assert found['mailtrip_failures_total{phase="deliver",reason="missing"}'] == "0.0"
    assert found['mailtrip_failures_total{phase="open",reason="connect"}'] == "0.0"
    assert found['mailtrip_probe_info{mailbox="own",module="nightly",target="own"}'] == "1.0"
    assert LAST not in found
    assert not [name for name in found if "leg" in name or "delay" in name]
    assert len(found) < 30


def test_the_last_one_is_shown_with_every_result() -> None:
    made = metrics()
    for outcome in (SEEN, MISSING):
        made.started(KEY)
        made.finished(outcome)
        assert float(series(made)[LAST]) == 2000
    assert series(made)['mailtrip_failures_total{phase="deliver",reason="missing"}'] == "1.0"
    made.finished(replace(SEEN, facts=(Watch(1.0, 2.0).fact(600.0),)))
    assert LAST not in series(made)


def test_it_comes_back_after_a_restart_and_not_from_another_mailbox() -> None:
    made = metrics()
    made.restored(SEEN)
    assert float(series(made)[LAST]) == 2000
    made.known(KEY, "nightly", replace(SCOPE, failures=FAILURES[:1]))
    assert float(series(made)[LAST]) == 2000
    made.known(KEY, "nightly", replace(SCOPE, mailbox="other"))
    assert LAST not in series(made)


def test_another_kind_of_check_starts_afresh() -> None:
    for scope in (RoundTripScope(), BlocklistScope(())):
        made = Metrics()
        made.known(KEY, "nightly", scope)
        made.forgotten(KEY)
        made.known(KEY, "nightly", SCOPE)
        made.finished(SEEN)
        assert float(series(made)[LAST]) == 2000


def test_promtool_finds_nothing_to_say(promtool: str) -> None:
    made = metrics()
    made.finished(MISSING)
    text = bytes(at_once(made.everything()))
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (checked.stdout, checked.stderr) == (b"", b"")
