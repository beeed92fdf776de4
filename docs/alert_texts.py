"""Writes docs/alert_texts.md: what each alert says, as promtool and the lab's faults prove it.

Run it in the project's directory: python -m docs.alert_texts
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dashboards.alert_texts import FILE as RULES
from dashboards.causes import Cause, cause_of, impact
from exporter.core.reasons import Reason, Trait
from tests.atlas.faults import FAULTS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/alert_texts.md"
COMMAND = "python -m docs.alert_texts"
QUIET = tuple(reason for reason in Reason if Trait.HAS_ITS_ALERT in reason.traits)

INTRODUCTION = f"""\
<!-- Generated from dashboards/causes.py, dashboards/rules and tests/atlas by "{COMMAND}".
Change those, not this page. -->

# What the alerts say

The texts that reach the person on call, word for word: for each [fault](faults.md) that the tests
cause on real mail servers, and one example of every other alert. [alerts.md](alerts.md) says what
to do.

A text tells apart who is **known to be affected**, as a trip proves it, and who is **perhaps**
affected, with the condition. **critical**: mail of others is affected, or may be. **warning**: only
mailtrip's own login, token, folder, files or deletions are known to be affected, or it has time
until morning.

## MailtripFailing

The summary is the name of the probe, the second column, and the first column in brackets. The
description begins with how many trips have failed and for how long, and how many other probes fail.
If a server had accepted the message, it names that server and the message's name in its queue. It
ends with the command to run first:

> relay: accepted, but it does not arrive (deliver: overdue)
>
> 2 trips in a row have failed within 10m 5s. Probes that fail now: 1 of 4. IMPACT
> relay.example.org accepted a message as 4bX1yZ: search its log for that. First: COMMAND

| it says | what broke | what the description says | severity |
|---|---|---|---|
"""

MAILBOX = """\

MailtripMailboxUnwatched says the same of a mailbox, such as "Mailbox monitor cannot be watched:
mailtrip's login is refused (open/login: auth AUTHENTICATIONFAILED)", and how many probes wait for
it.
"""


def failures() -> list[str]:
    """What trips of the atlas say: those that MailtripFailing reports."""
    lines = [str(fault.verdict) for group in FAULTS.values() for fault in group]
    return [line for line in dict.fromkeys(lines) if not line.endswith(QUIET)]


def page() -> str:
    """What docs/alert_texts.md has to say."""
    start = INTRODUCTION.replace("IMPACT", impact(cause_of("deliver: overdue"))).replace(
        "COMMAND", "mailtrip status relay"
    )
    parts = [start + "\n".join(_rows()), MAILBOX]
    for name, labels, texts in examples():
        parts += [
            f"## {name}\n",
            f"> **{texts['summary']}** ({labels['severity']})\n>\n>"
            f" {_quoted(texts['description'])}\n",
        ]
    return "\n".join(parts)


def _rows() -> Iterator[str]:
    of_cause: dict[Cause, list[str]] = {}
    for line in failures():
        of_cause.setdefault(cause_of(line), []).append(line)
    for cause, lines in of_cause.items():
        severity = "warning" if cause.own else "critical"
        says = ", ".join(f"`{line}`" for line in lines)
        yield f"| {says} | {cause.what} | {impact(cause)} | {severity} |"


def examples() -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """Of every other alert, the first text in the cases that promtool proves."""
    first: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for case in sorted((RULES.parent / "tests").glob("*.yml")):
        for test in yaml.load(case.read_text(encoding="utf-8"), yaml.CSafeLoader)["tests"]:
            for alert in test.get("alert_rule_test", []):
                for told in alert["exp_alerts"]:
                    labels = told["exp_labels"], told["exp_annotations"]
                    first.setdefault(alert["alertname"], labels)
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    names = (rule["alert"] for group in rules["groups"] for rule in group["rules"])
    for name in dict.fromkeys(names):
        if name != "MailtripFailing":
            yield name, *first[name]


def _quoted(text: str) -> str:
    """As Markdown shows it: what stands in angle brackets or asterisks, too."""
    return re.sub(r"([<*_])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
