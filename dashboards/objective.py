"""The objective for delivery: one number, in rules/mailtrip.recording.yml. The files for tools that
make rules and dashboards of an objective are made from it: Sloth and Pyrra."""

import re
from decimal import Decimal

from dashboards.prometheus_rule import HERE

RECORD = "all:mailtrip_delivery_objective:ratio"
_RULES = (HERE / "rules/mailtrip.recording.yml").read_text(encoding="utf-8")
OBJECTIVE = Decimal(re.findall(rf"record: {RECORD}\n +expr: vector\(([0-9.]+)\)\n", _RULES)[0])
"""The part of all messages that arrives in time, between 0 and 1."""
PERCENT = f"{100 * OBJECTIVE:f}".rstrip("0").rstrip(".")
"""The same as text, such as `99.9`."""

FOLDER = HERE.parent / "examples/slo"
BAD, ALL = "probe:mailtrip_undelivered:sum", "probe:mailtrip_judged:sum"

SLOTH = """\
# Sloth: the objective for delivery, made by python -m dashboards from the number in
# dashboards/rules/mailtrip.recording.yml. It needs those rules: it reads two series of them.
#
#     sloth generate -i sloth.yml -o mailtrip.sloth.yml

version: prometheus/v1
service: mailtrip
slos:
  - name: delivery
    objective: {percent}
    description: "{percent} % of all messages arrive in time, of those with a known result"
    sli:
      events:
        error_query: increase({bad}[{{{{.window}}}}])
        # Without `> 0` there would be 0/0 where no trip ended, and the sum over a month NaN.
        total_query: increase({all}[{{{{.window}}}}]) > 0
    # MailtripDeliveryBudgetBurns alerts by the same windows and asks for three messages. Those of
    # Sloth would page for the first message that fails: an hour has twelve.
    alerting:
      name: MailtripDeliveryObjective
      page_alert: {{disable: true}}
      ticket_alert: {{disable: true}}
"""

PYRRA = """\
# Pyrra: the objective for delivery, made by python -m dashboards from the number in
# dashboards/rules/mailtrip.recording.yml. It needs those rules: it reads two series of them.

apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: mailtrip-delivery
  namespace: mail
  labels: {{app.kubernetes.io/name: mailtrip}}
spec:
  target: "{percent}"
  window: 30d
  description: "{percent} % of all messages arrive in time, of those with a known result"
  indicator:
    ratio:
      errors: {{metric: "{bad}"}}
      total: {{metric: "{all}"}}
      # Labels that a probe lacks do no harm. Add yours, such as team.
      grouping: [job, instance, probe, location]
  # MailtripDeliveryBudgetBurns alerts by such windows and asks for three messages;
  # MailtripNotScraped and MailtripExporterDown say when there are no series.
  alerting: {{burnrates: false, absent: false}}
"""


def texts() -> dict[str, str]:
    """The content of each file in examples/slo."""
    values = {"percent": PERCENT, "bad": BAD, "all": ALL}
    return {"sloth.yml": SLOTH.format(**values), "pyrra.yml": PYRRA.format(**values)}
