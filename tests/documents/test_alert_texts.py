"""What alerts say of each fault: the table of causes is what the rules do, and the page is
current."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alert_texts import FILE, text
from dashboards.causes import CAUSES, OF_A_MAILBOX, Cause, cause_of, impact
from docs import alert_texts

RULES = FILE.parent
FAILURES = alert_texts.failures()
OPENINGS = [line for line in FAILURES if line.startswith("open/")]
PLACE = re.compile(r"(?P<phase>\w+)(/(?P<step>\w+))?: (?P<reason>\w+)( (?P<code>.+))?")


def test_the_rules_have_the_texts_of_the_table() -> None:
    stale = "dashboards/rules/mailtrip.alerts.yml is stale: run python -m dashboards"
    assert FILE.read_text(encoding="utf-8") == text(), stale


def test_the_page_of_texts_is_made_from_the_tables() -> None:
    page = alert_texts.PAGE.read_text(encoding="utf-8")
    assert page == alert_texts.page(), f"docs/alert_texts.md is stale: run {alert_texts.COMMAND}"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.what)
def test_a_text_is_short_and_says_who_is_known_to_be_hit(cause: Cause) -> None:
    assert len(cause.what) <= 50
    assert len(impact(cause)) <= 250
    assert impact(cause).count(". ") <= 2
    assert "Known to be affected: " in impact(cause)


def test_no_cause_hides_behind_another() -> None:
    """All but those that no trip of the atlas fails with."""
    rare = {"reason unknown", "a bug in mailtrip", "no OAuth 2.0 token for mailtrip"}
    rare |= {"the address to check cannot be resolved", "a filter lets a message through"}
    assert {cause.what for cause in CAUSES} - {cause_of(one).what for one in FAILURES} == rare


def test_a_server_that_refuses_starttls_is_not_said_to_have_an_expired_certificate() -> None:
    assert "expired" in cause_of("send/tls: tls").why
    assert "expired" not in cause_of("send/tls: tls 454").why


def test_a_failure_of_the_probe_alone_is_never_said_to_hit_everyone() -> None:
    """A wrong password, a deleted recipient, a full mailbox. What is refused is not lost."""
    for line in FAILURES:
        known = cause_of(line).known
        if re.search(r": (auth|mailbox_full)|/rcpt: (rejected|deferred)|bounced 5[.][12]", line):
            assert known.startswith("only "), line
        if re.match(r"send/(mail|rcpt|data): rejected", line):
            assert "not lost" in cause_of(line).why, line


def series(name: str, labels: dict[str, str], values: str) -> dict[str, str]:
    told = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{told}}}", "values": values}


def labels_of(line: str) -> dict[str, str]:
    found = PLACE.fullmatch(line)
    assert found, line
    return {label: found[label] or "" for label in ("phase", "step", "reason", "code")}


def run(tmp_path: Path, promtool: str, test: dict[str, Any]) -> None:
    rules = [str(RULES / f"mailtrip.{kind}.yml") for kind in ("recording", "alerts")]
    case = {"rule_files": rules, "evaluation_interval": "1m", "tests": [test]}
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump(case))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[:5000]


def test_prometheus_says_of_each_fault_what_the_page_says(tmp_path: Path, promtool: str) -> None:
    """Its severity, too."""
    told, given = [], []
    for number, line in enumerate(FAILURES):
        probe, cause = f"p{number}", cause_of(line)
        given += [
            series("mailtrip_consecutive_failures", {"probe": probe}, "0 1 2"),
            series("mailtrip_last_failure_info", {"probe": probe, **labels_of(line)}, "_ 1 1"),
        ]
        command = f"mailtrip status {probe}"
        many = f"Probes that fail now: {len(FAILURES)} of {len(FAILURES)}."
        told.append(
            {
                "exp_labels": {"severity": _severity(cause), "probe": probe},
                "exp_annotations": {
                    "summary": f"{probe}: {cause.what} ({line})",
                    "description": f"2 trips in a row have failed. {many} {impact(cause)}"
                    f" First: {command}",
                    "runbook_url": "https://mailtrip.example.org/docs/alerts.md#mailtripfailing",
                    "trips_url": "",
                },
            }
        )
    alert = {"alertname": "MailtripFailing", "eval_time": "2m", "exp_alerts": told}
    test = {"interval": "1m", "input_series": given, "alert_rule_test": [alert]}
    run(tmp_path, promtool, test)


def test_prometheus_says_the_same_of_a_mailbox(tmp_path: Path, promtool: str) -> None:
    told, given = [], []
    for number, line in enumerate(OPENINGS):
        labels, cause = {"mailbox": f"m{number}"}, cause_of(line)
        assert cause in OF_A_MAILBOX
        step, reason, code = list(labels_of(line).values())[1:]
        why = labels | {"step": step, "reason": reason, "code": code}
        given += [
            series("mailtrip_mailbox_connected", labels, "0x5"),
            series("mailtrip_mailbox_failure_info", why, "1x5"),
        ]
        log = "the log of mailtrip has the answer of the server: journalctl -u mailtrip"
        runbook = "https://mailtrip.example.org/docs/alerts.md#mailtripmailboxunwatched"
        told.append(
            {
                "exp_labels": {"severity": _severity(cause), **labels},
                "exp_annotations": {
                    "summary": f"Mailbox m{number} cannot be watched: {cause.what} ({line})",
                    "description": f"{impact(cause)} First: {log}",
                    "runbook_url": runbook,
                    "trips_url": "",
                },
            }
        )
    alert = {"alertname": "MailtripMailboxUnwatched", "eval_time": "3m", "exp_alerts": told}
    test = {"interval": "1m", "input_series": given, "alert_rule_test": [alert]}
    run(tmp_path, promtool, test)


def _severity(cause: Cause) -> str:
    return "warning" if cause.own else "critical"
