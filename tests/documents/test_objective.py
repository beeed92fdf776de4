"""The objective for delivery is one number, and the tools that are made for objectives understand
what is made of it.

Sloth and Pyrra are Go programs that are not among the packages of a Debian. So the files are held
against the published forms: Sloth 0.16 (pkg/prometheus/api/v1, and the rules that it makes for its
windows of 30 days), and Pyrra's CustomResourceDefinition and validation of August 2026.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import objective
from tests.documents.test_rules import ALERT_RULES, PAGE, RECORDS

ROOT = Path(__file__).resolve().parents[2]
SLOTH, PYRRA = (
    yaml.safe_load((objective.FOLDER / name).read_text(encoding="utf-8"))
    for name in ("sloth.yml", "pyrra.yml")
)
RECORDED = {rule["record"]: rule["expr"] for rule in RECORDS}
LABELS = dict[str, str]
ALERT = {"disable": bool, "labels": LABELS, "annotations": LABELS}
SLOTH_FORM = {
    "version": str,
    "service": str,
    "labels": LABELS,
    "slos": [
        {
            "name": str,
            "description": str,
            "objective": float,
            "labels": LABELS,
            "sli": {"events": {"error_query": str, "total_query": str}},
            "alerting": {
                "name": str,
                "labels": LABELS,
                "annotations": LABELS,
                "page_alert": ALERT,
                "ticket_alert": ALERT,
            },
        }
    ],
}
PYRRA_FORM = {
    "apiVersion": str,
    "kind": str,
    "metadata": {"name": str, "namespace": str, "labels": LABELS},
    "spec": {
        "target": str,
        "window": str,
        "description": str,
        "indicator": {
            "ratio": {"errors": {"metric": str}, "total": {"metric": str}, "grouping": [str]}
        },
        "alerting": {"burnrates": bool, "absent": bool, "name": str, "absentName": str},
    },
}


def has_form(value: Any, form: Any) -> bool:
    """Whether a value has only fields that exist, each of its type."""
    if isinstance(form, dict):
        return value.keys() <= form.keys() and all(has_form(value[k], form[k]) for k in value)
    if isinstance(form, list):
        return isinstance(value, list) and all(has_form(one, form[0]) for one in value)
    return isinstance(value, dict if form is LABELS else form)


def test_the_files_are_made_of_the_one_number() -> None:
    for name, text in objective.texts().items():
        assert (objective.FOLDER / name).read_text(encoding="utf-8") == text, (
            f"{name} is stale: run python -m dashboards"
        )
    assert RECORDED[objective.RECORD] == f"vector({objective.OBJECTIVE})"
    assert SLOTH["slos"][0]["objective"] == float(objective.PERCENT)
    assert PYRRA["spec"]["target"] == objective.PERCENT


def test_no_rule_or_text_has_a_number_of_its_own() -> None:
    burns = [rule for rule in ALERT_RULES if rule["alert"] == "MailtripDeliveryBudgetBurns"]
    assert len(burns) == 2
    for rule in burns:
        assert objective.RECORD in rule["annotations"]["description"]
        assert not re.search(r"\d", rule["expr"].replace("== 1", ""))
    for name in ("fast", "slow"):
        assert "0.001 *" not in RECORDED[f"probe:mailtrip_delivery_budget:{name}_burn"]
    assert f"monthly objective of {objective.PERCENT} %" in " ".join(PAGE.split())


def test_sloth_understands_its_file() -> None:
    assert has_form(SLOTH, SLOTH_FORM)
    (slo,) = SLOTH["slos"]
    assert SLOTH["version"] == "prometheus/v1"
    assert 0 < slo["objective"] < 100
    assert all("{{.window}}" in query for query in slo["sli"]["events"].values())
    assert not has_form({**SLOTH, "objective": 1}, SLOTH_FORM)


def test_pyrra_understands_its_file() -> None:
    assert has_form(PYRRA, PYRRA_FORM)
    assert (PYRRA["apiVersion"], PYRRA["kind"]) == ("pyrra.dev/v1alpha1", "ServiceLevelObjective")
    spec, ratio = PYRRA["spec"], PYRRA["spec"]["indicator"]["ratio"]
    assert {"target", "window", "indicator"} <= spec.keys()
    assert re.fullmatch(r"\d+[dw]", spec["window"])
    # It takes the name of a series with matchers, and nothing else.
    assert all(ratio[part]["metric"] in RECORDED for part in ("errors", "total"))


CASES = """
rule_files: [sloth.yml]
evaluation_interval: 5m
tests:
  - interval: 5m
    input_series:
      - {series: 'probe:mailtrip_judged:sum{probe="relay"}', values: 0+1x288 288x288 288+1x288}
      - {series: 'probe:mailtrip_undelivered:sum{probe="relay"}', values: 0x276 1+1x11 12x288 12x288}
    promql_expr_test:
      - expr: round(slo:sli_error:ratio_rate1h * 1000)
        eval_time: 24h
        exp_samples: [{labels: '{probe="relay"}', value: 1000}]
      # A day without trips does not count: 12 of 576.
      - expr: round(slo:sli_error:ratio_rate30d * 1000)
        eval_time: 72h
        exp_samples: [{labels: '{probe="relay"}', value: 21}]
"""  # noqa: E501


def test_the_rules_that_sloth_makes_of_it_tell_the_ratio_of_a_month(
    promtool: str, tmp_path: Path
) -> None:
    (slo,) = SLOTH["slos"]
    events = slo["sli"]["events"]
    of_window = f"({events['error_query']})\n/\n({events['total_query']})\n"
    rules = [
        {
            "record": f"slo:sli_error:ratio_rate{window}",
            "expr": of_window.replace("{{.window}}", window),
        }
        for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    ]
    short = "slo:sli_error:ratio_rate5m[30d]"
    month = f"sum_over_time({short}) / count_over_time({short})"
    rules.append({"record": "slo:sli_error:ratio_rate30d", "expr": month})
    content = {"groups": [{"name": "sloth", "rules": rules}]}
    (tmp_path / "sloth.yml").write_text(yaml.safe_dump(content))
    (tmp_path / "case.yml").write_text(CASES)
    done = subprocess.run(
        [promtool, "test", "rules", "case.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["sloth", "pyrra"])
def test_only_one_alerts_for_the_objective(tool: str) -> None:
    if tool == "sloth":
        alerting = SLOTH["slos"][0]["alerting"]
        assert alerting["page_alert"] == alerting["ticket_alert"] == {"disable": True}
    else:
        assert PYRRA["spec"]["alerting"] == {"burnrates": False, "absent": False}
