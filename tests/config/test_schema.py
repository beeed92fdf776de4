import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from docs.configuration import COMMAND, PAGE, page
from exporter.config.schema import keys_at
from exporter.senders import SendOptions
from exporter.settings import Settings


def test_the_page_about_the_configuration_says_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        f"docs/configuration.md is stale: run {COMMAND}"
    )


def options(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in {"the root": schema, **schema["$defs"]}.items():
        for option, described in definition["properties"].items():
            yield f"{name}: {option}", described


@pytest.mark.parametrize(("option", "described"), [*options(Settings.json_schema())])
def test_every_option_says_what_it_means_in_a_sentence(
    option: str, described: dict[str, Any]
) -> None:
    assert described.get("description", "").strip().endswith("."), f"{option} needs a docstring"


@pytest.mark.slow
def test_the_docstrings_of_options_are_read_only_for_a_schema() -> None:
    """To read all of them takes as long as to import pydantic, and Python does not keep them."""
    code = (
        "from exporter.config.schema import _written\n"
        "from exporter.settings import Settings\n"
        "Settings.embedded(); before = _written.cache_info().currsize\n"
        "Settings.json_schema(); print(before, _written.cache_info().currsize > 10)"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert said.split() == ["0", "True"]


def test_the_schema_knows_the_keys_of_every_mapping() -> None:
    schema = Settings.json_schema()
    assert keys_at(schema, ()) == [
        "state",
        "resolver",
        "metrics",
        "mailboxes",
        "modules",
        "probes",
        "maintenance",
        "tracing",
    ]
    assert keys_at(schema, ("probes", 3)) == ["name", "module", "target", "matrix", "interval"]
    assert keys_at(schema, ("modules", "a", "roundtrip", "send")) == [*SendOptions.choices]
    assert keys_at(schema, ("modules", "a", "roundtrip", "nothing", "b")) == []
    assert keys_at(schema, ("modules",)) == [], "names are free"


def test_nothing_in_the_schema_may_be_null_and_defaults_read_like_values() -> None:
    schema = Settings.json_schema()
    assert "null" not in str(schema).lower()
    assert schema["$defs"]["Module"]["properties"]["interval"]["default"] == "5m"
    assert schema["$defs"]["SmtpdOptions"]["properties"]["max_message_size"]["default"] == "1MiB"
