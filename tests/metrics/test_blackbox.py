"""The series that have the names of blackbox_exporter."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.facts import MailServer
from exporter.core.model import Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope
from exporter.core.steps import Step
from exporter.metrics.definitions import OF_BLACKBOX
from exporter.metrics.metrics import Metrics
from tests.metrics.test_outcome import KEY, SUCCESS, finished, metrics, series
from tests.support.pauses import at_once
from tests.support.scopes import SUBMISSION

DAY = 86400.0
SENDING = TlsSession(Leg.SEND, "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", 50 * DAY, 40 * DAY)
MAILBOX = TlsSession(Leg.MAILBOX, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 30 * DAY)
NAMES = {one.name for one in OF_BLACKBOX}

RULE = """\
groups:
  - name: blackbox
    rules:
      - alert: BlackboxSslCertificateWillExpireSoon
        expr: 3 <= round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1) < 20
      - alert: BlackboxProbeFailed
        expr: probe_success == 0
"""  # noqa: E501
"""As rules for blackbox_exporter are published."""


def shown(made: Metrics) -> dict[str, float]:
    """Those series, now."""
    every = series(at_once(made.probe(KEY)))
    return {name: value for name, value in every.items() if name.partition("{")[0] in NAMES}


def test_they_tell_of_all_certificates_and_of_the_session_that_sends() -> None:
    spans = (
        Span(Phase.OPEN, Step.RESOLVE, 0.0, 9.0),
        Span(Phase.SEND, Step.RESOLVE, 0.5, 0.25),
        Span(Phase.SEND, Step.CONNECT, 0.75, 0.5, Reason.CONNECT),
        Span(Phase.SEND, Step.RESOLVE, 1.25, 0.5),
    )
    servers = (
        MailServer("mx1.test", ("192.0.2.1",)),
        MailServer("mx2.test", ("192.0.2.2", "2001:db8::2"), address="2001:db8::2"),
    )
    made = metrics()
    finished(made, replace(SUCCESS, spans=spans, facts=(*servers, SENDING, MAILBOX)))
    assert shown(made) == {
        "probe_ssl_earliest_cert_expiry": 30 * DAY,
        'probe_tls_version_info{version="TLS 1.2"}': 1,
        'probe_tls_cipher_info{cipher="ECDHE-RSA-AES128-GCM-SHA256"}': 1,
        "probe_ip_protocol": 6,
        "probe_dns_lookup_time_seconds": 0.75,
    }
    # A trip that does not come so far says nothing new.
    finished(made, replace(SUCCESS, spans=(), facts=(MailServer("mx1.test", ("192.0.2.1",)),)))
    assert shown(made)["probe_ip_protocol"] == 6
    assert shown(made)["probe_ssl_earliest_cert_expiry"] == 30 * DAY
    finished(made, replace(SUCCESS, facts=(replace(servers[0], address="192.0.2.1"),)))
    assert shown(made)["probe_ip_protocol"] == 4


def test_the_end_of_a_chain_counts() -> None:
    made = metrics()
    finished(made, replace(SUCCESS, facts=(SENDING, replace(MAILBOX, expires_at=45 * DAY))))
    assert shown(made)["probe_ssl_earliest_cert_expiry"] == 40 * DAY


def test_without_tls_there_is_no_series_about_it() -> None:
    made = metrics()
    finished(made, replace(SUCCESS, facts=(SENDING,)))
    finished(made, replace(SUCCESS, facts=(Reply(250, "ok"),)))
    assert not [name for name in shown(made) if "tls" in name or "ssl" in name]


def test_after_a_reload_they_are_of_the_servers_that_are_used() -> None:
    made = metrics()
    server = MailServer("mx1.test", ("192.0.2.1",), address="192.0.2.1")
    spans = (Span(Phase.SEND, Step.RESOLVE, 0.5, 0.25),)
    finished(made, replace(SUCCESS, spans=spans, facts=(server, SENDING, MAILBOX)))
    other = replace(SUBMISSION, sender="another server")
    made.known(KEY, "gmail", other)
    assert shown(made) == {
        "probe_ssl_earliest_cert_expiry": 30 * DAY,
        'probe_tls_version_info{version="TLS 1.3"}': 1,
        'probe_tls_cipher_info{cipher="TLS_AES_256_GCM_SHA384"}': 1,
    }
    made.known(KEY, "gmail", replace(other, receiver="another"))
    assert shown(made) == {}


@pytest.mark.parametrize(
    "scope", [replace(SUBMISSION, timeout=900), BlocklistScope(("bl.test",), timeout=900)]
)
def test_the_timeout_is_shown_from_the_start(scope: BlocklistScope) -> None:
    made = Metrics()
    made.known(KEY, None, scope)
    assert series(at_once(made.probe(KEY)))["probe_timeout_seconds"] == 900


def test_they_are_only_on_probe() -> None:
    made = metrics()
    finished(made, replace(SUCCESS, facts=(SENDING, MAILBOX)))
    assert not [name for name in series(at_once(made.everything())) if name.startswith("probe_")]


def test_published_rules_fire_on_them_unchanged(tmp_path: Path, promtool: str) -> None:
    made = metrics()
    page = finished(made, replace(SUCCESS, facts=(SENDING, replace(MAILBOX, expires_at=10 * DAY))))
    ends = page["probe_ssl_earliest_cert_expiry"]
    (tmp_path / "rules.yml").write_text(RULE)
    (tmp_path / "case.yml").write_text(
        f"""\
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {{series: 'probe_ssl_earliest_cert_expiry{{instance="a"}}', values: "{ends:.0f}x9"}}
      - {{series: 'probe_ssl_earliest_cert_expiry{{instance="b"}}', values: "{40 * DAY:.0f}x9"}}
      - {{series: 'probe_success{{instance="a"}}', values: "{page["probe_success"]:.0f}x9"}}
    alert_rule_test:
      - eval_time: 5m
        alertname: BlackboxSslCertificateWillExpireSoon
        exp_alerts: [{{exp_labels: {{instance: a}}}}]
      - {{eval_time: 5m, alertname: BlackboxProbeFailed, exp_alerts: []}}
"""
    )
    done = subprocess.run(
        [promtool, "test", "rules", "case.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
