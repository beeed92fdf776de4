"""Lines of a configuration that may be shown: no secret is in them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.excerpt import OptionNames, excerpts
from exporter.config.mistakes import Place
from exporter.config.schema import json_schema
from exporter.settings import Settings
from exporter.web.options import WebOptions

BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
OTHERS = {"alertmanager.yml", "compose.yml", "places.yml", "prometheus.yml", "sharding.yml"}
OTHERS |= {"receivers.yml", "web.yml"}
EXAMPLES = [
    file
    for file in sorted((Path(__file__).parents[2] / "examples").glob("*.yml"))
    if file.name not in OTHERS
]
NAMES = OptionNames.of(json_schema(Settings))


def shown(text: str, *places: Place, names: OptionNames = NAMES) -> list[str]:
    """All lines of a text."""
    lines = [Place(number + 1, 1) for number in range(len(text.split("\n")))]
    return [*excerpts(text, [*places, *lines], names).values()]


def test_secrets_are_known_by_the_schema() -> None:
    assert {"password", "key", "client_secret", "token_key", "zone"} <= NAMES.known - NAMES.public
    assert {"host", "port", "interval", "from", "ca_file"} <= NAMES.public
    assert {"file", "env"} <= NAMES.known - NAMES.public, "one may hold the secret itself"


def test_names_and_harmless_values_are_shown_and_comments_are_not() -> None:
    text = (
        "mailboxes:\n"
        "  monitor: {imap: {host: 'a.example', port: 993, tls: none}}  # the old one\n"
        "modules: # x\n"
        "  m:\n"
        "    roundtrip:\n"
        "      from: probe@example.org\n"
        "probes:\n"
        "  - {name: m, targets: [a@example.org, 'b#c']}\n"
        "  -\n"
        "    name: n\n"
    )
    expected = re.sub(" +#.*", "", text).split("\n")
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "password: hunter2",
        "a: {password: hunter2, host: x}",
        "a: {password: 'hunter2, host: hunter2'}",
        'a: {password: "hunter2\n  host: hunter2"}',
        "a: {password: |\n   hunter2\n   host: hunter2\n}",
        "password: >-\n  hunter2\n  host: hunter2",
        "password: [hunter2, {x: hunter2}]",
        "pasword: hunter2",
        "password:hunter2",
        "password hunter2",
        "host: !vault hunter2",
        "host: &hunter2 x\nname: *hunter2",
        "host: x # hunter2",
        "host: | # hunter2\n  x",
        "host: >- # hunter2\n  x",
        "#hunter2",
        "host: x\n# host: hunter2",
        "password: {hunter2}",
        "password: hunter2: hunter2",
        "password: 'hunter2\nhost: hunter2",
        "password: @hunter2\nhost: hunter2",
        "a: [x\nhost: hunter2",
        "a: {password: a,hunter2}",
        "? hunter2\n: hunter2",
        "{hunter2: x}: hunter2",
        "roundtrip: {headers: {X-Key: hunter2}}",
        "lists: [{zone: hunter2.example, key: hunter2}]",
        "host: x\n...\nhunter2",
        "host: x\n---\npassword: hunter2",
        "<<: hunter2",
        "host: {password: hunter2}",
        "%TAG hunter2",
    ],
)
def test_what_may_be_a_secret_is_masked(text: str) -> None:
    assert "unter" not in str(shown(text))


def test_bcrypt_hashes_are_masked_and_user_names_are_not() -> None:
    names = OptionNames.of(json_schema(WebOptions))
    text = "basic_auth_users: {alice: $2b$10$hunter, 'bob': x}"
    assert shown(text, names=names) == ["basic_auth_users: {alice: *************, 'bob': *}"]


def test_the_key_at_fault_is_shown_and_stays_in_its_column() -> None:
    text = "modules: {m: {intervall: 15s, roundtrip: {passwort: x}}}"
    assert excerpts(text, [Place(1, 15)], NAMES) == {
        1: "modules: {m: {intervall: ***, roundtrip: {********: *}}}"
    }


def test_only_lines_that_exist_are_shown_and_the_rest_of_a_text_with_an_error_is_masked() -> None:
    assert excerpts("host: x", [Place(7, 1)], NAMES) == {}
    assert excerpts("host: x\nname: 'y", [Place(1, 1), Place(2, 1)], NAMES) == {
        1: "host: x",
        2: "name* **",
    }


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.name)
def test_no_secret_of_a_bad_file_is_shown(file: Path) -> None:
    assert "hunter" not in str(shown(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_are_shown_as_they_are_written(file: Path) -> None:
    """But for secrets, and what may be one, anchors, and comments."""
    for line, whole in zip(
        shown(text := file.read_text(encoding="utf-8")), text.split("\n"), strict=True
    ):
        assert len(line) <= len(whole)
        assert all(one in (other, "*") for one, other in zip(line, whole, strict=False))
        if not re.search(r"[*&]|zone|headers|lists|resource|X-|file:|env:|proxy:", whole):
            assert line == re.sub(r"(^|\s+)#.*", "", whole).rstrip(), file.name


@given(st.text(st.sampled_from("ab:#'\"{}[],&*!|>- \n\r\u2028\x85"), max_size=60))
def test_any_text_is_masked_in_place(text: str) -> None:
    for number, line in excerpts(text, [Place(n, 1) for n in range(1, 70)], NAMES).items():
        whole = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)[number - 1]
        assert len(line) <= len(whole)
        for one, other in zip(line, whole, strict=False):
            assert one in (other, "*", " ")
        assert not set(line) & set("ab") or "a" in whole or "b" in whole
