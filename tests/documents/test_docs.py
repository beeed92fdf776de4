"""What is written down twice is compared: series and their page, examples and README."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from docs import metrics
from exporter.core import json_output
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER, ONLY_ON_PROBE
from exporter.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERIES = {definition.name for definition in (*ONLY_ON_PROBE, *OF_A_PROBE, *OF_THE_EXPORTER)}


def test_the_page_of_metrics_is_made_from_the_table() -> None:
    assert metrics.PAGE.read_text(encoding="utf-8") == metrics.page(), (
        f"docs/metrics.md is stale: run {metrics.COMMAND}"
    )


@pytest.mark.parametrize("words", [Phase, Step, Reason])
def test_every_phase_step_and_reason_is_explained(
    words: type[Phase] | type[Step] | type[Reason],
) -> None:
    page = metrics.page()
    assert all(re.search(rf"^\| `{word}` \| \S.+ \|$", page, re.MULTILINE) for word in words)


@pytest.mark.parametrize(
    "code", ["550", "5.1.1", "AUTHENTICATIONFAILED", "AUTH", "NXDOMAIN", "78", "127.0.0.2"]
)
def test_every_kind_of_code_is_explained(code: str) -> None:
    """Each is a code of a row in the fault atlas, or of an example in docs."""
    assert f"`{code}`" in metrics.CODES


@pytest.mark.parametrize("page", ["README.md", "docs/metrics.md", "docs/blocklists.md"])
def test_pages_name_only_series_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(
        re.findall(
            r"\b(?:mailtrip|probe)_[a-z_]*(?:total|seconds|success|info|code|flight|messages)\b",
            text,
        )
    )
    assert named <= SERIES


def test_the_configuration_in_the_readme_is_good() -> None:
    blocks = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (block,) = (
        re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in blocks if "mailboxes:" in block
    )
    assert Settings.parse(block.encode(), "README.md").probes


def test_the_lists_on_the_page_of_blocklists_are_good() -> None:
    page = (ROOT / "docs/blocklists.md").read_text(encoding="utf-8")
    found = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    blocks = [block for block in found if re.match(r"(domain_)?lists:", block)]
    (whole,) = (block for block in found if "blocklists:" in block)
    own = 'mailboxes: {own: {smtpd: {listen: "127.0.0.1:2525", recipients: [a@example.org]}}}\n'
    assert len(Settings.parse((own + whole).encode(), "blocklists.md").blocklists) == 2
    assert len(blocks) == 2
    for block in blocks:
        indented = "".join(f"      {line}\n" for line in block.splitlines())
        assert Settings.parse(
            f"modules:\n  reputation:\n    dnsbl:\n{indented}".encode(), "blocklists.md"
        ).modules


@pytest.mark.parametrize(("kind", "name"), json_output.KINDS.items())
def test_the_page_of_the_command_line_tells_the_fields_of_every_fact(kind: type, name: str) -> None:
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
    assert {field.name for field in fields(kind)} <= set(re.findall(r"`(\w+)`", row))


def test_links_in_the_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("dashboards/*.md")]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_no_rule_needs_what_the_page_of_scaling_drops() -> None:
    page = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(    metric_relabel_configs:.*?)```", page, re.DOTALL)
    dropped = [
        re.compile(rule["regex"]) for rule in yaml.safe_load(block)["metric_relabel_configs"]
    ]
    golden = (ROOT / "tests/metrics/golden/probe_success.txt").read_text(encoding="utf-8")
    names = {re.split(r"[{ ]", line)[0] for line in golden.splitlines() if line[0] != "#"}
    assert all(any(one.fullmatch(name) for name in names) for one in dropped)
    rules = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "dashboards/rules").glob("*.yml")
    )
    asked = {
        name
        for rule in re.findall(r"expr:(?: \||)(.*?)\n\s+(?:for|labels|- |\n)", rules, re.DOTALL)
        for name in re.findall(r"\bmailtrip_\w+", rule)
    }
    assert asked
    assert not [name for name in asked if any(one.fullmatch(name) for one in dropped)]
