"""The rules as the Prometheus Operator takes them: a PrometheusRule for examples/kubernetes, in the
words of rules/, as the Helm chart renders it."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = sorted((HERE / "rules").glob("*.yml"))
FILE = HERE.parent / "examples/kubernetes/rules.yaml"
HEAD = """\
# Prometheus Operator: the rules of dashboards/rules. Your Prometheus resource must select it
# (ruleSelector, ruleNamespaceSelector). docs/alerts.md: what to do for each alert.

apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mailtrip
  namespace: mail
  labels:
    app.kubernetes.io/name: mailtrip
spec:
  groups:
"""


def text() -> str:
    """The content of the file: the groups of both files, word for word, deeper by one
    indentation."""
    lines = [HEAD.rstrip("\n")]
    for file in SOURCES:
        groups = file.read_text(encoding="utf-8").partition("\ngroups:\n")[2]
        lines += [f"  {line}".rstrip() for line in groups.splitlines()]
    return "\n".join(lines) + "\n"
