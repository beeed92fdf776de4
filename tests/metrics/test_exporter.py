"""The series of the exporter itself."""

import re
from functools import partial

from exporter.core.facts import Arrival, LateArrival
from exporter.core.model import Failure, Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.identity import trace_id
from exporter.core.trace.status import TraceStatus
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.exporter import ExporterSeries, Readings
from exporter.metrics.exposition import Format
from exporter.metrics.metrics import Metrics
from tests.metrics.test_outcome import KEY, metrics, series
from tests.support.pauses import at_once
from tests.support.scopes import SUBMISSION


def test_refused_requests_are_counted_by_kind() -> None:
    made = metrics()
    made.refused("target_not_allowed")
    shown = series(at_once(made.everything()))
    assert shown['mailtrip_probe_requests_refused_total{reason="target_not_allowed"}'] == 1
    assert shown['mailtrip_probe_requests_refused_total{reason="unknown_module"}'] == 0


def test_a_reload_that_fails_keeps_the_time_of_the_last_that_did_not() -> None:
    made = metrics()
    made.exporter.configured(1000.0)
    made.exporter.not_configured()
    shown = series(at_once(made.everything()))
    assert shown["mailtrip_config_last_reload_successful"] == 0
    assert shown["mailtrip_config_last_reload_success_timestamp_seconds"] == 1000


def test_the_address_of_the_pages_is_known_only_if_it_was_given() -> None:
    made = metrics()
    shown = series(at_once(made.everything()))
    assert not [name for name in shown if name.startswith("mailtrip_external_url_info")]
    made.exporter.show_external_url("https://mon.example.org/mail")
    shown = series(at_once(made.everything()))
    assert shown['mailtrip_external_url_info{url="https://mon.example.org/mail"}'] == 1


def test_traces_are_counted_while_they_are_sent() -> None:
    now: list[TraceStatus | None] = [None]
    made = Metrics(Readings(traces=lambda: now[0]))
    assert not [name for name in series(at_once(made.everything())) if "trace" in name]
    now[0] = status = TraceStatus(exported=3)
    status.dropped["rejected"] = 2
    shown = series(at_once(made.everything()))
    assert {name: value for name, value in shown.items() if "trace" in name} == {
        "mailtrip_traces_exported_total": 3,
        'mailtrip_traces_dropped_total{reason="queue_full"}': 0,
        'mailtrip_traces_dropped_total{reason="rejected"}': 2,
    }
    now[0] = None
    assert not [name for name in series(at_once(made.everything())) if "trace" in name]


def test_an_exemplar_names_the_trace_of_a_trip_that_is_sent_as_one() -> None:
    arrival, failure = (
        Arrival("INBOX", "header", 2.0, 3.0),
        Failure(Phase.VERIFY, None, Reason.JUNK),
    )
    for traced, names in ((False, {"trip_id"}), (True, {"trip_id", "trace_id"})):
        made = Metrics(traced=partial(_if_failed, traced))
        made.known(KEY, "gmail", SUBMISSION)
        made.finished(Outcome("0a", KEY, 0.0, 5.0, (), (arrival,), failure))
        lines = at_once(made.probe(KEY, Format.OPENMETRICS)).decode().splitlines()
        (exemplar,) = (line.partition(" # ")[2] for line in lines if " # " in line)
        labels = dict(re.findall(r'(\w+)="(\w+)"', exemplar))
        assert set(labels) == names
        assert labels["trip_id"] == "0a"
        assert labels.get("trace_id", trace_id("0a").hex()) == trace_id("0a").hex()
        late = LateArrival(0.0, 700.0, "INBOX", (), ())
        made.late(KEY, "0b", late)
        text = at_once(made.probe(KEY, Format.OPENMETRICS)).decode()
        assert (trace_id("0b").hex() in text) is traced


def _if_failed(sent: bool, success: bool) -> bool:
    return sent and not success


def test_our_own_certificates_are_shown_with_their_end_as_long_as_they_are_configured() -> None:
    ends = {"/etc/a.crt": 2e9, "/etc/b.crt": 3e9}
    made = Metrics(Readings(certificates=lambda: ends))
    name = "mailtrip_client_certificate_expiry_timestamp_seconds"
    assert series(at_once(made.everything()))[name + '{file="/etc/a.crt"}'] == 2e9
    del ends["/etc/a.crt"]
    shown = series(at_once(made.everything()))
    assert [one for one in shown if one.startswith(name)] == [name + '{file="/etc/b.crt"}']


def test_why_a_mailbox_is_not_watched_is_shown_only_meanwhile() -> None:
    made = ExporterSeries()
    failing = Statistics(connected=False, failure=("login", "auth", "AUTHENTICATIONFAILED"))
    mailboxes = {"monitor": failing, "new": Statistics()}
    made.show_mailboxes(mailboxes)
    labels = ("monitor", "login", "auth", "AUTHENTICATIONFAILED")
    assert made.numbers("mailtrip_mailbox_failure_info") == {labels: 1.0}
    failing.connected = True
    made.show_mailboxes(mailboxes)
    assert made.numbers("mailtrip_mailbox_failure_info") == {}
