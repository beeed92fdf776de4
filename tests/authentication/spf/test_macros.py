"""Macros of SPF records (RFC 7208 section 7), with the examples of section 7.4."""

import asyncio
from ipaddress import ip_address

import pytest

from exporter.authentication.spf.macros import (
    LONGEST_EXPANSION,
    Identity,
    expanded,
    is_domain_spec,
    is_macro_string,
)
from exporter.config.grammar import LONGEST_DOMAIN

SENDER = Identity(ip_address("192.0.2.3"), "strong-bad", "email.example.com", "mx.example.org")
OF_IPV6 = Identity(ip_address("2001:db8::cb01"), "strong-bad", "email.example.com", "")


async def no_query() -> str:
    raise AssertionError("a query for a name that no macro asks for")


async def validated() -> str:
    return "mx.example.org"


def made(text: str, identity: Identity = SENDER) -> str:
    return asyncio.run(expanded(text, identity, "email.example.com", no_query))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{h}", "mx.example.org"),
        ("a%%b%-c", "a%b%20c"),
        ("%{L}.x", "strong-bad.x"),
        ("plain.example.org.", "plain.example.org"),
        ("", ""),
    ],
)
def test_the_examples_of_the_rfc(text: str, name: str) -> None:
    assert made(text) == name


def test_an_ipv6_address_is_its_digits_in_dots() -> None:
    assert made("%{ir}.%{v}", OF_IPV6) == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6"
    )


def test_capital_letters_escape_what_no_url_may_have() -> None:
    odd = Identity(SENDER.address, "a b/ü", "example.com", "")
    assert made("%{L}", odd) == "a%20b%2F%C3%BC"
    assert made("%{l}", odd) == "a b/ü"


def test_only_p_needs_a_query() -> None:
    assert asyncio.run(expanded("%{p}.x", SENDER, "", validated)) == "mx.example.org.x"


def test_a_long_name_loses_labels_on_its_left() -> None:
    name = made(f"{'long.' * 60}example.org")
    assert name.endswith("long.example.org")
    assert LONGEST_DOMAIN - len("long.") < len(name) <= LONGEST_DOMAIN
    assert made("x" * 300) == "x" * 300


def test_an_expansion_has_a_limit() -> None:
    huge = Identity(SENDER.address, "x" * 1000, "example.com", "")
    assert len(made("%{l}" * 100, huge)) <= LONGEST_EXPANSION


@pytest.mark.parametrize(
    ("text", "macro_string", "domain_spec"),
    [
        ("%{d}", True, True),
        ("example.org", True, True),
        ("example.org.", True, True),
        ("x.%{d2}", True, True),
        ("%{d}.com", True, True),
        ("%{c}.example.org", True, False),
        ("example", True, False),
        ("example.123", True, False),
        ("example.-a", True, False),
        ("%{x}", False, False),
        ("%{d0}", False, False),
        ("%{d", False, False),
        ("%", False, False),
        ("a b", False, False),
        ("ü.example.org", False, False),
        ("", True, False),
    ],
)
def test_what_is_well_formed(text: str, *, macro_string: bool, domain_spec: bool) -> None:
    assert is_macro_string(text) is macro_string
    assert is_domain_spec(text) is domain_spec
