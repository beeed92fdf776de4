"""How lists are written in a configuration, and that no key is ever shown."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.blocklists.names import SubjectKind
from exporter.blocklists.options import AddressLists, BlockListOptions, DomainLists
from exporter.config.types import SecretUnavailable

KEY = "abcdefghijklmnopqrstuvwxyz"
ADDRESS_LISTS = TypeAdapter[list[BlockListOptions]](AddressLists)
DOMAIN_LISTS = TypeAdapter[list[BlockListOptions]](DomainLists)


def lists(*entries: Any) -> list[BlockListOptions]:
    return ADDRESS_LISTS.validate_python(list(entries))


def problems(adapter: TypeAdapter[Any], *entries: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(list(entries))
    return [error["msg"].removeprefix("Value error, ") for error in caught.value.errors()]


def test_a_known_list_brings_its_facts() -> None:
    (options,) = lists("ZEN.spamhaus.org.")
    zen = options.blocklist()
    assert (zen.name, zen.zone(), zen.kind, zen.severity) == ("zen.spamhaus.org",) * 2 + (
        "block",
        "high",
    )
    assert zen.takes(SubjectKind.IPV6)
    assert not zen.takes(SubjectKind.DOMAIN)
    assert dict(zen.codes)["127.0.0.9"].startswith("DROP")
    assert zen.delisting.startswith("https://")


def test_a_list_that_nobody_knows_follows_rfc_5782() -> None:
    mine = lists("bl.example.org")[0].blocklist()
    assert (mine.kind, mine.severity, mine.codes, mine.bits) == ("block", "medium", (), ())
    assert mine.subjects == {SubjectKind.IPV4}
    listed, unlisted = mine.tests(SubjectKind.IPV4)
    assert (listed and listed.text, unlisted.text) == ("127.0.0.2", "127.0.0.1")
    domains = DOMAIN_LISTS.validate_python(["dbl.example.org"])[0].blocklist(domains=True)
    assert domains.subjects == {SubjectKind.DOMAIN}
    listed, unlisted = domains.tests(SubjectKind.DOMAIN)
    assert (listed and listed.text, unlisted.text) == ("test", "invalid")


def test_a_list_without_a_test_entry_for_ipv6_must_show_the_one_for_ipv4() -> None:
    listed, unlisted = lists("zen.spamhaus.org")[0].blocklist().tests(SubjectKind.IPV6)
    assert (listed and listed.text, unlisted.text) == ("127.0.0.2", "::ffff:7f00:1")
    listed, _ = lists("pbl.spamhaus.org")[0].blocklist().tests(SubjectKind.IPV6)
    assert listed is None


def test_a_list_may_have_a_test_entry_of_its_own() -> None:
    for given in ("dbl.spamhaus.org", {"zone": "dbl.example.org", "test_entry": "dbltest.com"}):
        (options,) = DOMAIN_LISTS.validate_python([given])
        listed, _ = options.blocklist(domains=True).tests(SubjectKind.DOMAIN)
        assert listed
        assert listed.text == "dbltest.com"


def test_what_an_administrator_writes_goes_before_the_catalogue() -> None:
    (options,) = lists(
        {
            "zone": "zen.spamhaus.org",
            "kind": "info",
            "ipv6": False,
            "codes": {"127.0.0.9": "DROP"},
            "severity": "low",
            "test_points": False,
            "name": "spamhaus",
            "errors": ["127.0.0.77"],
            "delisting": "https://example.org/off",
        }
    )
    mine = options.blocklist()
    assert (mine.name, mine.kind, mine.alarming, mine.severity) == (
        "spamhaus",
        "info",
        False,
        "low",
    )
    assert (mine.codes, mine.errors) == ((("127.0.0.9", "DROP"),), frozenset({"127.0.0.77"}))
    assert mine.subjects == {SubjectKind.IPV4}
    assert mine.tests(SubjectKind.IPV4)[0] is None
    assert mine.delisting == "https://example.org/off"


def test_two_entries_that_say_the_same_are_the_same_list() -> None:
    assert (
        lists("zen.spamhaus.org")[0].blocklist()
        == lists({"zone": "zen.spamhaus.org"})[0].blocklist()
    )


KEYED: list[Any] = [
    f"{KEY}.zen.dq.spamhaus.net",
    f"{KEY}.ZEN.dq.spamhaus.net.",
    {"zone": f"{KEY}.zen.dq.spamhaus.net"},
    {"zone": "{key}.zen.dq.spamhaus.net", "key": KEY},
    {"zone": "{key}.bl.example.org", "key": KEY},
    {"zone": {"env": "LIST_ZONE"}, "name": "mine"},
    f"{KEY}.combined.mail.abusix.zone",
    {"zone": f"{KEY}.White.mail.abusix.zone.", "kind": "allow"},
    f"{KEY}.b.barracudacentral.org",
    f"{KEY}.rbl.private.example",
    {"zone": f"{KEY}.rbl.private.example", "name": "mine"},
]


@pytest.mark.parametrize("entry", KEYED, ids=str)
def test_a_key_is_used_and_never_shown(entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIST_ZONE", f"{KEY}.bl.example.org.\n")
    (options,) = lists(entry)
    mine = options.blocklist()
    assert mine.zone().startswith(f"{KEY}.")
    assert not mine.zone().endswith(".")
    shown = [
        repr(options),
        str(options),
        str(options.model_dump()),
        options.model_dump_json(),
        repr(mine),
        str(mine),
    ]
    assert not [text for text in (*shown, mine.name, options.label) if KEY in text]
    assert KEY not in mine.redacted(f"see https://example.org/{KEY.upper()}/{mine.zone()}").lower()


def test_a_key_in_a_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("one\n")
    mine = lists({"zone": "{key}.zen.dq.spamhaus.net", "key": {"file": str(file)}})[0].blocklist()
    assert (mine.name, mine.zone()) == ("zen.dq.spamhaus.net", "one.zen.dq.spamhaus.net")
    file.write_text("two\n")
    assert mine.zone() == "two.zen.dq.spamhaus.net"
    file.unlink()
    with pytest.raises(SecretUnavailable):
        mine.zone()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("192.0.2.1", "not a zone; write a name"),
        ("https://bl.example.org", "not a zone; write a name"),
        ("localhost", "not a zone; write a name"),
        ("{target}.example.org", "not a zone; write a name"),
        ("{key}{key}.example.org", "not a zone; write a name"),
        ("{key}.bl.example.org", "key is missing"),
        ({"zone": "bl.example.org", "key": "x"}, "key is not used"),
        ({"zone": {"env": "X"}}, "name is missing"),
        ({"zone": {"env": "X"}, "name": "x", "key": "y"}, "cannot have a key"),
        ({"zone": {"env": "X", "file": "Y"}, "name": "x"}, "not a zone"),
        ({"zone": 5}, "not a zone"),
        ("dbl.spamhaus.org", "belongs to `domain_lists`"),
        ({"zone": "bl.example.org", "codes": {"10.0.0.1": "x"}}, "not a code"),
        ({"zone": "bl.example.org", "codes": {"127.0.0.256": "x"}}, "not a code"),
        ({"zone": "bl.example.org", "bits": {"3": "x"}}, "not a bit"),
        ({"zone": "bl.example.org", "delisting": "example.org"}, "not the URL of a page"),
    ],
    ids=str,
)
def test_each_mistake_has_its_line(entry: Any, words: str) -> None:
    assert any(words in problem for problem in problems(ADDRESS_LISTS, entry))


def test_lists_of_addresses_and_of_domains_are_not_mixed_up() -> None:
    assert "belongs to `lists`" in problems(DOMAIN_LISTS, "zen.spamhaus.org")[0]


def test_names_are_distinct() -> None:
    assert problems(
        ADDRESS_LISTS, "bl.example.org", {"zone": "other.example.org", "name": "bl.example.org"}
    ) == ["the same name twice: bl.example.org"]


def test_a_mistake_never_repeats_a_zone_which_may_hold_a_key() -> None:
    assert not any(
        KEY in problem for problem in problems(ADDRESS_LISTS, f"{KEY}..example.org", f"{KEY} x")
    )


def test_the_schema_allows_a_zone_and_a_mapping() -> None:
    first, second = ADDRESS_LISTS.json_schema()["items"]["anyOf"]
    assert first["type"] == "string"
    assert "$ref" in second
