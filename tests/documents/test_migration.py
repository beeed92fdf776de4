"""What docs/migration.md tells people to write is what mailtrip reads."""

import re
from pathlib import Path

import pytest

from exporter.commands.review import review
from exporter.config.schema import json_schema
from exporter.core.steps import Step
from exporter.metrics.definitions import OF_A_PROBE, ONLY_ON_PROBE
from exporter.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/migration.md"
TEXT = PAGE.read_text(encoding="utf-8")
PARTS = dict(re.findall(r"^## From ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
CONFIGURATIONS = {
    part: block
    for part, text in PARTS.items()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
}
OTHERS = {"leg", "delivery", "repeat_interval"}
"""What the page names that is no option and no series: labels, and an option of Alertmanager."""

SERIES = {definition.name for definition in (*OF_A_PROBE, *ONLY_ON_PROBE)}


def option_names(schema: object) -> set[str]:
    """All keys that a configuration may have anywhere."""
    if isinstance(schema, list):
        return {name for one in schema for name in option_names(one)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    return {*properties, *(name for one in schema.values() for name in option_names(one))}


def cells() -> list[tuple[str, str]]:
    """What they had, and what to write."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE)
    return [row for row in rows if not set(row[0]) <= set("- ") and row[1] != "in mailtrip"]


def test_there_is_a_configuration_for_each_that_has_none_like_it() -> None:
    assert set(PARTS) - set(CONFIGURATIONS) == {"Checkmk's mail loop"}  # it refers to another one
    assert len(PARTS) == 6


@pytest.mark.parametrize("part", CONFIGURATIONS)
def test_each_configuration_is_good_and_gives_no_warning(part: str, tmp_path: Path) -> None:
    file = tmp_path / "mailtrip.yml"
    file.write_text(CONFIGURATIONS[part], encoding="utf-8")
    reading = Settings.reading(str(file))
    assert reading.options.modules
    assert [str(one) for one in review(reading, here=False)] == []


def test_each_option_that_is_named_exists() -> None:
    codes = {code for _, cell in cells() for code in re.findall(r"`([^`]+)`", cell)}
    keys = {key for code in codes for key in re.findall(r"(?<![\w\"/.-])([a-z_]+)(?=: )", code)}
    words = {code for code in codes if re.fullmatch("[a-z_]+", code)}
    named = (keys | words) - SERIES - {str(step) for step in Step} - OTHERS
    assert "interval_after_failure" in named
    assert named <= option_names(json_schema(Settings))


def test_each_series_that_is_named_exists() -> None:
    named = {name for _, cell in cells() for name in re.findall(r"\b(?:mailtrip|probe)_\w+", cell)}
    assert named
    assert named <= SERIES
