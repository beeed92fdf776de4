"""The mixin says what the dashboards and rules say, and changes what it promises to change."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import mixin
from dashboards.__main__ import FILES, HERE

ROOT = Path(__file__).resolve().parents[2]
MIXIN = ROOT / "mixin/mixin.libsonnet"


def evaluated(expression: str) -> Any:
    """`mixin` is the mixin."""
    text = f"local mixin = import '{MIXIN}'; {expression}"
    done = subprocess.run(["jsonnet", "-e", text], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def rules(groups: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def written(name: str) -> Any:
    return yaml.safe_load((HERE / "rules" / name).read_text(encoding="utf-8"))


def test_its_rules_are_made_from_those_of_the_dashboards() -> None:
    stale = "mixin/rules.json is stale: run python -m dashboards"
    assert mixin.FILE.read_text(encoding="utf-8") == mixin.text(), stale


def test_it_names_every_dashboard_and_no_word_of_them() -> None:
    text = MIXIN.read_text(encoding="utf-8")
    for name in FILES:
        assert f"'{name}': tagged(import '../dashboards/{name}')" in text


def test_unchanged_it_gives_the_files_themselves(servers: None) -> None:
    assert evaluated("mixin.prometheusRules") == written("mailtrip.recording.yml")
    assert evaluated("mixin.prometheusAlerts") == written("mailtrip.alerts.yml")
    given = evaluated("mixin.grafanaDashboards")
    assert given == {name: json.loads((HERE / name).read_text()) for name in FILES}


def test_the_configuration_reaches_every_alert_and_dashboard(servers: None) -> None:
    changed = """mixin {_config+:: {
        runbookURL: 'https://wiki.example.com/x', configFile: '/srv/mail "trip".yml',
        alertLabels: {team: 'mail'}, severityLabels: {critical: {severity: 'page'}},
        dashboardTags: ['mail', 'ours'],
    }}"""
    before = rules(written("mailtrip.alerts.yml")["groups"])
    after = rules(evaluated(f"({changed}).prometheusAlerts")["groups"])
    assert after.keys() == before.keys()
    for name, rule in after.items():
        assert rule["annotations"]["runbook_url"] == f"https://wiki.example.com/x#{name.lower()}"
        assert "/etc/mailtrip" not in json.dumps(rule)
        severity = before[name]["labels"]["severity"]
        expected = "page" if severity == "critical" else severity
        assert rule["labels"] == before[name]["labels"] | {"severity": expected, "team": "mail"}
        paged = before[name]["expr"].replace('severity="critical"', 'severity="page"')
        assert rule["expr"] == paged
        assert "severity='critical'" not in rule["annotations"]["summary"]
    boards = evaluated(f"({changed}).grafanaDashboards")
    assert all(board["tags"] == ["mail", "ours"] for board in boards.values())


def test_the_configuration_has_the_objective(servers: None) -> None:
    changed = "(mixin {_config+:: {deliveryObjective: 0.9995}}).prometheusRules"
    before, after = (
        {rule["record"]: rule["expr"] for group in content["groups"] for rule in group["rules"]}
        for content in (written("mailtrip.recording.yml"), evaluated(changed))
    )
    assert after == before | {"all:mailtrip_delivery_objective:ratio": "vector(0.9995)"}


@pytest.mark.parametrize("name", ["alerts", "rules"])
def test_prometheus_takes_what_the_readme_writes(name: str, promtool: str, tmp_path: Path) -> None:
    source = ROOT / f"mixin/{name}.jsonnet"
    file = tmp_path / "rules.yml"
    made = subprocess.run(["jsonnet", source], capture_output=True, check=True)
    file.write_bytes(made.stdout)
    subprocess.run([promtool, "check", "rules", file], capture_output=True, check=True)
