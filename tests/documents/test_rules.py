"""The rules, the page of alerts, the series and the examples for Prometheus and Alertmanager hold
together."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER, ONLY_ON_PROBE

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "dashboards/rules"
ALERTS, RECORDING = RULES / "mailtrip.alerts.yml", RULES / "mailtrip.recording.yml"
CASES = sorted((RULES / "tests").glob("*.yml"))
PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
PROMETHEUS, ALERTMANAGER = ROOT / "examples/prometheus.yml", ROOT / "examples/alertmanager.yml"
PLACES = ROOT / "examples/places.yml"

PLACEHOLDER = "https://mailtrip.example.org/docs/alerts.md#"
ANNOTATIONS = {"summary", "description", "runbook_url", "trips_url"}
ALWAYS = "Watchdog"
"""The alert that always fires. It is no fault, so it has no severity."""
OF_THE_TARGET = {"job", "instance", "probe", "exporter", "team", "location"}
"""Labels that come from the scrape, and not from a definition."""


def read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)


def rules(file: Path) -> list[dict[str, Any]]:
    return [rule for group in read(file)["groups"] for rule in group["rules"]]


ALERT_RULES, RECORDS = rules(ALERTS), rules(RECORDING)
NAMES = {rule["alert"] for rule in ALERT_RULES}
SERIES = {
    definition.name: definition for definition in (*ONLY_ON_PROBE, *OF_A_PROBE, *OF_THE_EXPORTER)
}


def run(*command: str | Path, directory: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules_and_the_example(promtool: str) -> None:
    run(promtool, "check", "rules", ALERTS, RECORDING)
    run(promtool, "check", "config", PROMETHEUS)
    run(promtool, "check", "config", PLACES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_rules_do_what_their_cases_say(case: Path, promtool: str) -> None:
    run(promtool, "test", "rules", case.name, directory=case.parent)


def test_cases_and_limits_have_the_bounds_of_the_histograms() -> None:
    for case in CASES:
        text = case.read_text(encoding="utf-8")
        for name, bound in re.findall(r"(mailtrip_\w+)_bucket\{[^}]*le=\"([\d.]+)\"", text):
            assert bound in map(str, SERIES[name].buckets), f"{case.name}: {name}"
    limits = {
        "MailtripDeliverySlow": "mailtrip_delivery_delay_seconds",
        "MailtripSendingSlow": "mailtrip_send_duration_seconds",
    }
    for rule in ALERT_RULES:
        if histogram := limits.pop(rule["alert"], ""):
            (limit,) = re.findall(r" > ([0-9.]+)\n", rule["expr"])
            below_the_last = SERIES[histogram].buckets[:-1]
            assert float(limit) in below_the_last, f"{histogram} cannot tell what is above {limit}"
    assert not limits


def alert_cases() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for case in CASES:
        for test in read(case)["tests"]:
            for alert in test.get("alert_rule_test", []):
                yield alert["alertname"], alert["exp_alerts"]


def test_every_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    fires = {
        (name, expected["exp_labels"]["severity"])
        for name, alerts in alert_cases()
        for expected in alerts
    }
    assert fires == {(rule["alert"], rule["labels"]["severity"]) for rule in ALERT_RULES}
    assert {name for name, alerts in alert_cases() if not alerts} == NAMES - {ALWAYS}


def test_alerts_and_notifications_are_for_people() -> None:
    for name, alerts in alert_cases():
        for expected in alerts:
            assert set(expected["exp_annotations"]) == ANNOTATIONS, name
            texts = "".join(expected["exp_annotations"].values())
            assert "error" not in texts, name
            assert "<no value>" not in texts, name
            assert "  " not in texts, name
    for rule in ALERT_RULES:
        severities = ("none",) if rule["alert"] == ALWAYS else ("critical", "warning")
        assert rule["labels"]["severity"] in severities
        assert "First:" in rule["annotations"]["description"], rule["alert"]
        assert set(rule["annotations"]) == ANNOTATIONS, rule["alert"]


def test_every_alert_leads_to_its_trips_and_one_without_a_probe_to_the_status_page() -> None:
    seen = set()
    for name, alerts in alert_cases():
        for expected in alerts:
            labels, url = expected["exp_labels"], expected["exp_annotations"]["trips_url"]
            if "probe" in labels:
                assert re.fullmatch(rf"https?://[^/]+/trips\?probe={labels['probe']}", url), name
            elif url:
                assert re.fullmatch(r"https?://[^/]+/(trips\?module=\S+&target=\S+)?", url), name
            seen |= {name} if url else set()
    assert seen == NAMES


def anchor(heading: str) -> str:
    """As GitHub and GitLab make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert {heading for heading in headings if heading != "Setting up"} == NAMES
    assert len(set(headings)) == len(headings)
    for rule in ALERT_RULES:
        assert rule["annotations"]["runbook_url"] == PLACEHOLDER + anchor(rule["alert"])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_runbook_says_meaning_impact_proof_and_cure(name: str) -> None:
    text = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    said = re.findall(r"^\*\*([^*]+)\*\*", text, re.MULTILINE)
    whole = ["Meaning", "Impact", "Confirm", "Usual causes and cures"]
    assert said in (whole, ["Meaning", "Impact", "Confirm and cure"])


def test_links_inside_the_page_lead_to_headings() -> None:
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors


def test_the_page_shows_how_to_shorten_the_waiting(tmp_path: Path, promtool: str) -> None:
    (command,) = re.findall(r"`(sed -E [^`]+) mailtrip.alerts.yml > soon.alerts.yml`", PAGE)
    assert command in ALERTS.read_text(encoding="utf-8")
    soon = tmp_path / "soon.yml"
    soon.write_text(
        subprocess.run(
            [*_words(command), ALERTS], capture_output=True, text=True, check=True
        ).stdout
    )
    assert {rule.get("for", "0s") for rule in rules(soon)} == {"0s"}
    run(promtool, "check", "rules", soon)


def _words(command: str) -> list[str]:
    return [word.strip("'") for word in command.split(" ", 2)]


NAME = re.compile(
    r"\b(?:(?:probe|exporter|job|place|all):)?(?:mailtrip|probe)_[a-z0-9_]+(?::[a-z0-9_]+)?"
)
SELECTOR = re.compile(rf"({NAME.pattern})(?:\{{([^}}]*)\}})?")
TEXTS = {
    "recording rules": yaml.safe_dump(RECORDS, width=1000),
    "alerts": yaml.safe_dump(ALERT_RULES, width=1000),
    "page": PAGE,
}


def exposed() -> dict[str, set[str]]:
    """Every series that there is to ask for, with its own labels."""
    found: dict[str, set[str]] = {rule["record"]: set() for rule in RECORDS}
    found["exporter:mailtrip_external_url:info"] = {"url"}
    for name, definition in SERIES.items():
        found[name] = set(definition.labels)
        if definition.kind == "histogram":
            found |= {f"{name}_{part}": set(definition.labels) for part in ("count", "sum")}
            found[f"{name}_bucket"] = {*definition.labels, "le"}
    return found


@pytest.mark.parametrize("where", TEXTS)
def test_only_series_that_exist_are_named_and_only_by_labels_that_they_have(where: str) -> None:
    known = exposed()
    selectors = SELECTOR.findall(TEXTS[where])
    assert {name for name, _ in selectors} <= known.keys()
    for name, matchers in selectors:
        labels = set(
            re.findall(r"([a-z_]+) *[=!]", re.sub(r'"[^"]*"', "", matchers.replace("\\", "")))
        )
        assert labels <= known[name] | OF_THE_TARGET, f"{name}{{{matchers}}}"


def test_labels_that_are_added_up_or_left_aside_exist() -> None:
    labels = {label for definition in SERIES.values() for label in definition.labels} | {
        "job",
        "instance",
        "probe",
        "exporter",
        "location",
        "pod",
    }
    for word, clause in re.findall(
        r"(without|by|ignoring|on|group_left) \(([^)]*)\)",
        TEXTS["recording rules"] + TEXTS["alerts"],
    ):
        assert (word, clause) == ("on", "") or set(re.split(", *", clause)) <= labels, clause


def test_cases_use_only_series_that_exist_with_all_their_labels() -> None:
    known = exposed() | {"up": set()}
    for case in CASES:
        for series in (
            one["series"] for test in read(case)["tests"] for one in test["input_series"]
        ):
            name, _, matchers = series.partition("{")
            labels = set(re.findall(r'([a-z_]+)="', matchers))
            assert known[name] <= labels <= known[name] | OF_THE_TARGET, series


def test_every_recorded_series_is_explained() -> None:
    table = PAGE[PAGE.index("**Recorded series**") :]
    for rule in RECORDS:
        level, metric, operation = rule["record"].split(":")
        assert f"{level}:{metric}:" in table
        assert re.sub(r"_\d+\w$", "", operation) in table
    assert all(rule.get("expr") for rule in RECORDS)


def test_alertmanager_takes_the_example(amtool: str) -> None:
    run(amtool, "check-config", ALERTMANAGER)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical", "on-call"),
        ("severity=critical team=mail", "on-call"),
        ("severity=warning", "postmaster"),
        ("severity=warning team=mail", "postmaster"),
        ("severity=warning team=network", "network"),
        ("severity=critical team=network", "network-on-call"),
        ("severity=none alertname=Watchdog", "heartbeat"),
    ],
)
def test_alerts_are_routed_by_severity_and_team(labels: str, receivers: str, amtool: str) -> None:
    command = (
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        f"--verify.receivers={receivers}",
    )
    run(amtool, *command, *labels.split())


def test_alertmanager_holds_back_by_names_and_labels_that_exist() -> None:
    labels = {
        label for definition in SERIES.values() for label in definition.labels
    } | OF_THE_TARGET
    for rule in read(ALERTMANAGER)["inhibit_rules"]:
        assert set(rule["equal"]) <= labels | {"alertname"}
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, operator, value = re.fullmatch(r'(\w+)(!?[=~]+)"(.*)"', matcher).groups()  # type: ignore[union-attr]
            assert label in labels | {"alertname", "severity"}
            pattern = value if "~" in operator else re.escape(value)
            if label == "alertname":
                assert any(re.fullmatch(pattern, name) for name in NAMES), matcher
    for word in re.findall(r"Mailtrip\w+", ALERTMANAGER.read_text(encoding="utf-8")):
        assert any(name.startswith(word) for name in NAMES), word


def test_mail_about_broken_mail_does_not_leave_through_the_server_that_is_watched() -> None:
    text = ALERTMANAGER.read_text(encoding="utf-8")
    watched = re.findall(
        r"[a-z0-9]+\.example\.(?:org|net|com)", PROMETHEUS.read_text(encoding="utf-8")
    )
    assert watched
    assert not [name for name in watched if name.partition(".")[2] in text]
