"""What is written for the Helm chart is what its sources say."""

import json
import re

import pytest
import yaml

from charts.__main__ import CHART, COMMAND, FILES
from charts.values import ChartValues
from dashboards.__main__ import CHART as COPIES
from dashboards.__main__ import COMMAND as COMMAND_OF_COPIES
from dashboards.__main__ import of_the_chart

SCHEMA = "values.schema.json"


@pytest.mark.parametrize("name", [name for name in FILES if name != SCHEMA])
def test_what_is_generated_is_current(name: str) -> None:
    expect_current(name)


def test_the_generated_schema_is_current(servers: None) -> None:
    """Not where the oldest libraries are tried: an older pydantic writes a schema that says
    less."""
    expect_current(SCHEMA)


def expect_current(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == FILES[name](), (
        f"{name} is stale: run {COMMAND}"
    )


def test_the_chart_has_the_rules_and_the_dashboards() -> None:
    there = {
        str(file.relative_to(COPIES)): file.read_text(encoding="utf-8")
        for file in COPIES.rglob("*")
        if file.is_file()
    }
    assert there == of_the_chart(), f"stale: run {COMMAND_OF_COPIES}"


def test_the_defaults_that_are_written_are_those_of_the_values() -> None:
    written = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert written == ChartValues().model_dump(by_alias=True, mode="json")
    assert ChartValues.model_validate(written) == ChartValues()


def test_every_pattern_of_the_schema_is_one_that_go_knows() -> None:
    """RE2 looks neither ahead nor back, and does not refer back."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    text = json.dumps(schema)
    assert '"pattern"' in text
    assert not re.search(r"\(\?[=!<][=!]?(?!\w+>)", text)
    assert not re.search(r"\\\\\d", text)


def test_the_version_of_the_chart_is_that_of_the_program() -> None:
    from exporter import __version__

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__
