"""What `check` says of a configuration that can be read and cannot work, or is probably
unintended."""

from pathlib import Path

import pytest

from exporter.checks.references import references
from exporter.commands.review import in_the_way, review
from exporter.config.load import reading
from exporter.settings import Settings
from tests.support.reviewed import SENDER


def test_in_the_way_of_a_trip_is_what_its_module_and_its_mailboxes_name() -> None:
    text = (SENDER % "smtp: {host: h, username: u, password: {env: NO_A}}").replace(
        "maildir: {path: /x}", "imap: {host: h, username: u, password: {env: NO_M}}"
    )
    text += "  b: {dnsbl: {lists: [{name: x, zone: '{key}.x.example', key: {env: NO_B}}]}}\n"
    read = reading(Settings, [("f", text.encode())], references)
    for module, missing in {"a": ["NO_M", "NO_A"], "b": ["NO_B"], "nowhere": []}.items():
        assert [str(one).split()[-4] for one in in_the_way(read, module)] == missing


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CONFIGURATIONS = sorted(
    file.name for file in EXAMPLES.glob("*.yml") if "modules:" in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_there_is_nothing_to_say_of_an_example(name: str) -> None:
    assert review(Settings.reading(str(EXAMPLES / name)), here=False) == ()
