"""The table of reasons, and what has to be said of each of them elsewhere."""

import ast
import re
from pathlib import Path

import pytest

from dashboards.causes import CAUSES
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.severity import Severity
from exporter.core.steps import Step
from tests.atlas.faults import FAULTS
from tests.documents.test_rules import ALERT_RULES, RECORDS

ROOT = Path(__file__).resolve().parents[2]

NO_FAULT = {
    Reason.LISTED: "of a blocklist check, and the atlas makes round trips",
    Reason.UNUSABLE: "of a blocklist check, and the atlas makes round trips",
    Reason.INTERNAL: "a bug, and the bugs that are known are fixed",
}
RARE = {
    (Phase.DELETE, Reason.MAILBOX_FULL): "an IMAP server may refuse STORE over quota",
    (Phase.DELIVER, Reason.CONNECT): "the next trip fails so at open",
    (Phase.DELIVER, Reason.AUTH): "the next trip fails so at open",
}
"""A phase in which no counter waits for the reason."""
BY_STEP = {Reason.CONNECT}
"""The step of the same name says more than the reason."""
COUNTED_BY_PHASE = {
    Reason.DNS,
    Reason.NULL_MX,
    Reason.CONNECT,
    Reason.TIMEOUT,
    Reason.TLS,
    Reason.POLICY,
    Reason.UNAVAILABLE,
    Reason.DEFERRED,
    Reason.REJECTED,
    Reason.MAILBOX_FULL,
    Reason.DISCONNECTED,
    Reason.PROTOCOL,
    Reason.PROGRAM,
    Reason.MISSING,
    Reason.UNAUTHENTICATED,
}
"""For the objective for delivery: bad at `send`, unknown at `open` and `deliver`, good at `verify`,
since the message has come."""

FAULTS_OF_ALL_KINDS = [fault for faults in FAULTS.values() for fault in faults]


def test_every_reason_is_named_in_its_runbook() -> None:
    page = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    named = {
        heading: set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", text))))
        for heading, text in sections.items()
    }
    missing = [f"{one.runbook}: {one}" for one in Reason if one not in named[one.runbook]]
    assert not missing, f"docs/alerts.md does not say what to do: {missing}"


def test_every_reason_is_made_in_the_fault_atlas() -> None:
    made = {fault.verdict.reason for fault in FAULTS_OF_ALL_KINDS}
    assert set(Reason) - made == NO_FAULT.keys()


def test_faults_end_where_the_tables_of_reasons_and_steps_say() -> None:
    strange = [
        f"{fault.name}: {fault.verdict}"
        for fault in FAULTS_OF_ALL_KINDS
        for verdict in [fault.verdict]
        if (
            verdict.phase not in verdict.reason.phases
            and (verdict.phase, verdict.reason) not in RARE
        )
        or (verdict.step is not None and verdict.phase not in verdict.step.phases)
        or verdict.leg is not verdict.reason.blames(verdict.phase)
    ]
    assert not strange


def test_a_reason_occurs_somewhere_and_contradicts_itself_nowhere() -> None:
    for reason in Reason:
        traits = set(reason.traits)
        assert reason.phases or Trait.OF_A_BLOCKLIST_CHECK in traits, reason
        assert Trait.REFUSES in traits or Trait.REFUSES_LOGIN not in traits, reason
        assert not {Trait.REFUSES, Trait.OF_THE_SERVER} <= traits, reason
        assert not {Trait.ENDS_DELIVERY, Trait.UNREACHED} <= traits, reason
        assert not {Trait.ENDS_DELIVERY, Trait.WORTH_A_RETRY} <= traits, reason
        assert (Trait.OURS in traits) <= (reason.severity is Severity.UNKNOWN), reason
        assert (Trait.TELLS_NOTHING in traits) <= (Trait.OURS in traits), reason
        assert (Trait.OF_LISTS in traits) == (not reason.phases), reason
        assert reason.phases or reason.severity, reason
        assert (Trait.HAS_ITS_ALERT in traits) <= (reason.runbook != "MailtripFailing"), reason


def test_every_reason_has_a_first_step_of_one_line() -> None:
    for reason in Reason:
        assert re.fullmatch(r"[A-Z][^\n]{20,90}\.", reason.first_step), reason


@pytest.mark.slow
def test_no_code_asks_by_name_whether_anything_was_learned() -> None:
    nothing = {f"Reason.{one.name}" for one in Reason if Trait.TELLS_NOTHING in one.traits}
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}: ask for Trait.TELLS_NOTHING"
        for file in (ROOT / "exporter").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and any(one in ast.unparse(node) for one in nothing)
    ]
    assert nothing == {"Reason.STARVED"}
    assert not asked, asked


def test_the_text_of_the_alert_knows_every_reason() -> None:
    patterns = " ".join(cause.pattern for cause in CAUSES)
    unknown = {one for one in Reason if not re.search(rf"(: \(?|\|){one}\b", patterns)}
    quiet = {one for one in Reason if Trait.HAS_ITS_ALERT in one.traits}
    assert unknown == BY_STEP | quiet, "dashboards/causes.py: give it a cause"


def test_the_alert_of_failures_leaves_out_the_reasons_with_alerts_of_their_own() -> None:
    quiet = "|".join(one for one in Reason if Trait.HAS_ITS_ALERT in one.traits)
    (first, *_) = [one for one in ALERT_RULES if one["alert"] == "MailtripFailing"]
    assert f'mailtrip_last_failure_info{{reason=~"{quiet}"}}' in first["expr"]


def test_the_objective_counts_every_reason_on_purpose() -> None:
    told = {
        word
        for rule in RECORDS
        for words in re.findall(r'reason[!=]~"([^"]+)"', rule["expr"])
        for word in words.split("|")
    }
    assert told <= set(map(str, Reason))
    assert set(Reason) - told == COUNTED_BY_PHASE, "mailtrip.recording.yml: is it unknown, or bad?"


def test_a_message_that_is_gone_speaks_against_delivery_and_a_refusal_against_who_refused() -> None:
    assert Reason.OVERDUE.blames(Phase.DELIVER) == "delivery"
    assert Reason.BOUNCED.blames(Phase.DELIVER) == "delivery"
    assert Reason.AUTH.blames(Phase.DELIVER) == "mailbox"
    assert Reason.TIMEOUT.blames(Phase.SEND) == "send"
    assert Reason.JUNK.blames(Phase.VERIFY) == "delivery"


def test_words_are_found_by_themselves() -> None:
    assert [Reason(word) for word in map(str, Reason)] == list(Reason)  # type: ignore[call-arg]
    assert [Step(word) for word in map(str, Step)] == list(Step)  # type: ignore[call-arg]
    assert [Phase(word) for word in map(str, Phase)] == list(Phase)  # type: ignore[call-arg]


def test_a_blocklist_check_blames_no_leg() -> None:
    """It sends no message."""
    checks = [one for one in Reason if Trait.OF_A_BLOCKLIST_CHECK in one.traits]
    assert {Reason.LISTED, Reason.UNUSABLE, Reason.TIMEOUT} <= {*checks}
    assert {one.blames(Phase.VERIFY) for one in checks} == {None}
    assert Reason.TIMEOUT.blames(Phase.OPEN) is Leg.MAILBOX
