import json
import re
import time
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.config.mistakes import Mistakes
from exporter.settings import Settings
from tests.trips.test_examples import OF_PROVIDERS, PEOPLE

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = [ROOT / "examples" / name for name in (*PEOPLE, *sorted(OF_PROVIDERS))]
SCHEMA = Settings.json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
MODULES = """
mailboxes: {monitor: {imap: {host: imap.example.org, username: u, password: hunter2}}}
modules:
  people:
    targets: ["*@Example.ORG", "relay?.example.net"]
    roundtrip: {from: probe@example.org, send: {mx: {}}, mailbox: monitor}
  servers:
    targets: ["relay?.example.org", 192.0.2.0/24, "2001:db8::1", "10.*"]
    roundtrip: {from: probe@example.org, to: a@example.org, send: {smtp: {host: "{target}"}},
        mailbox: monitor}
  closed:
    roundtrip: {from: probe@example.org, send: {mx: {}}, mailbox: monitor}
probes:
  - {name: one, module: closed, target: One@example.com}
"""


def settings(text: str = MODULES) -> Settings:
    return Settings.parse(text.encode(), "mailtrip.yml")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_loads(file: Path) -> None:
    assert Settings.load(str(file)).probes


def test_without_a_configuration_mailtrip_makes_trips_to_itself_through_its_own_receiver() -> None:
    embedded = Settings.embedded()
    (probe,) = embedded.probes
    module = embedded.modules[probe.module]
    kind, check = module.chosen
    _, receiver = embedded.mailboxes[check.mailbox].chosen
    assert (probe.name, kind, module.interval, module.timeout) == ("self", "roundtrip", 15, 60)
    assert receiver.recipients == [probe.target]
    assert (check.send.smtp.host, check.send.smtp.port) == (
        receiver.listen.host,
        receiver.listen.port,
    )
    assert check.send.smtp.tls_mode == "none"


def test_a_file_with_nothing_but_an_empty_mapping_has_only_defaults() -> None:
    empty = settings("{}")
    assert (empty.mailboxes, empty.modules, empty.probes) == ({}, {}, [])
    assert (empty.resolver.nameservers, empty.resolver.timeout) == ([], 5)


@pytest.mark.parametrize(
    ("module", "target", "allowed"),
    [
        ("people", "someone@example.org", True),
        ("people", "Someone@EXAMPLE.org", True),
        ("people", "someone@example.com", False),
        ("people", "someone@example.org.evil.example", False),
        ("people", "a@evil.example,b@example.org", False),
        ("people", "a@evil.example>,<b@example.org", False),
        ("people", "a@b@example.org", False),
        ("people", "relay1.example.net", False),  # the pattern fits, but it is no recipient
        ("servers", "relay1.example.org", True),
        ("servers", "RELAY1.example.org", True),
        ("servers", "relay12.example.org", False),
        ("servers", "192.0.2.200", True),
        ("servers", "192.0.3.1", False),
        ("servers", "192.0.2.1.example.org", False),
        ("servers", "2001:DB8:0:0::1", True),
        ("servers", "2001:db8::2", False),
        ("servers", "10.1.2.3", True),
        ("servers", "10.evil.example:25", False),
        ("closed", "One@example.com", True),
        ("closed", "two@example.com", False),
        ("people", "One@example.com", False),  # it is a target of another module's probe
    ],
)
def test_only_listed_targets_that_the_module_can_use_are_allowed(
    module: str, target: str, allowed: bool
) -> None:
    assert settings().allows(module, target) is allowed


def test_a_target_that_a_module_cannot_use_is_told_why() -> None:
    with pytest.raises(ValueError, match=r"to would be 'example\.org': not an e-mail address"):
        settings().modules["people"].canonical("example.org")
    with pytest.raises(ValueError, match=r"send\.smtp\.host would be 'a@b': not a host"):
        settings().modules["servers"].canonical("a@b")


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        (None, "./mailtrip-state"),
        ("", "./mailtrip-state"),
        ("/var/lib/a", "/var/lib/a"),
        ("/a:/b", "/a"),
    ],
)
def test_the_state_lives_where_systemd_says(
    directory: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    if directory is not None:
        monkeypatch.setenv("STATE_DIRECTORY", directory)
    assert settings("{}").state.dir == expected
    assert settings("state: {dir: /x}").state.dir == "/x"


def test_what_is_shown_hides_secrets_and_loads_again() -> None:
    shown = settings().shown()
    assert "hunter2" not in shown
    assert "interval: 5m" in shown
    again = settings(shown)
    assert (again.probes, again.modules, again.resolver) == (
        settings().probes,
        settings().modules,
        settings().resolver,
    )


def test_the_session_may_only_take_longer_than_the_trip_by_default() -> None:
    module = (
        "mailboxes: {a: {imap: {host: a}}}\nmodules: {m: {TIMES, roundtrip: {from: a@b, send: {mx:"
        " {}}, mailbox: a}}}"
    )
    assert settings(module.replace("TIMES", "timeout: 10s")).modules["m"].session_timeout == 30
    with pytest.raises(Mistakes, match=r"session_timeout: is longer than timeout, 10s"):
        settings(module.replace("TIMES", "timeout: 10s, session_timeout: 11s"))


@pytest.mark.parametrize(
    ("text", "refused"),
    [(file.read_text(encoding="utf-8"), False) for file in EXAMPLES]
    + [
        ("mailbox: {}", True),
        ("probes: [{name: a}]", True),
        ("mailboxes: {a: {}}", True),
        ("modules: {a: {}}", True),
    ],
)
def test_the_json_schema_takes_what_loads_and_refuses_what_does_not(
    text: str, refused: bool
) -> None:
    assert VALIDATOR.is_valid(yaml.safe_load(text)) is not refused


@pytest.mark.parametrize(
    "name", ["missing-keys", "unknown-keys", "wrong-types", "wrong-values", "whole-list"]
)
def test_the_json_schema_refuses_what_a_file_alone_shows_to_be_wrong(name: str) -> None:
    text = (Path(__file__).parent / f"config/bad/{name}.yml").read_text(encoding="utf-8")
    assert not VALIDATOR.is_valid(yaml.safe_load(text.replace("\t", " ")))


def test_the_json_schema_is_one_and_its_words_have_no_line_ends() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    interval = SCHEMA["$defs"]["Module"]["properties"]["interval"]["description"]
    assert interval.endswith(
        "Default for `dnsbl`: 1h, because blocklists limit the number of queries."
    )
    assert not re.search(r'"description": "[^"]*\\n', json.dumps(SCHEMA)), (
        "editors end a paragraph there"
    )


def test_a_thousand_probes_load(capsys: pytest.CaptureFixture[str]) -> None:
    probes = "".join(
        f"  - name: probe{n}\n    module: people\n    target: u{n}@example.org\n    interval: 5m\n"
        for n in range(1000)
    )
    start = time.process_time()
    assert len(settings(MODULES + probes).probes) == 1001
    with capsys.disabled():
        print(
            f" [1,000 probes load in {(time.process_time() - start) * 1000:.0f} ms of CPU] ",
            end="",
            flush=True,
        )


def test_the_entries_are_made_once_however_many_targets_are_looked_for() -> None:
    """A start and a reload look for each of ten thousand probes."""
    trip = b"{from: a@b.example, send: {smtp: {host: h}}, expect: {code: 5}}"
    text = b"modules: {m: {roundtrip: " + trip + b"}}\n"
    entries = b"probes: [{name: x, module: m, target: a@b.example}]"
    settings, same = (Settings.parse(text + entries, "test.yml") for _ in range(2))
    assert settings.allows("m", "a@b.example")
    assert settings.entries is settings.entries
    assert settings == same
