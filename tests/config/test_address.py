import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter.config.address import (
    TRIP_LENGTH,
    HostTemplate,
    Nameserver,
    TargetPattern,
    TripTemplate,
    check_email,
    check_host,
)
from exporter.config.server import NetworkOptions

hosts = TypeAdapter[str](HostTemplate)
nameservers = TypeAdapter[str](Nameserver)
patterns = TypeAdapter[str](TargetPattern)
senders = TypeAdapter[str](TripTemplate)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "mail",
            "mail.example.org",
            "mail.example.org.",
            "_smtp.a-b.example",
            "192.0.2.1",
            "2001:db8::1",
            "bücher.example",
        ),
        *("xn--bcher-kva.example", "मेल.उदाहरण.भारत", "1.example.org"),
    ],
)
def test_these_are_hosts(text: str) -> None:
    assert check_host(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "a..b",
            ".a",
            "a b",
            "a\nb",
            "a/b",
            "a@b",
            "192.0.2.256",
            "192.0.2.010",
            "1.2.3",
            "a:25",
            "[::1]",
        ),
        *("smtp://a", "{target}", "a" * 64, "a." * 127 + "b", "a,b", "a<b>", "a\u2028b"),
    ],
)
def test_these_are_no_hosts(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a host|is not supported here"):
        check_host(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a@b",
            "probe@mailtrip.localhost",
            "first.last+tag=x@example.org",
            "o'hara/x!#$%&*?^`|~@example.org",
        ),
        *("用户@例え.example", "probe@[192.0.2.1]", "probe@[IPv6:2001:db8::1]"),
    ],
)
def test_these_are_email_addresses(text: str) -> None:
    assert check_email(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b c",
            "a@b@c",
            "<a@b>",
            "Name <a@b>",
            "a@b\n",
            "a\r\nRCPT TO:<x>@b",
            "a,b@c",
        ),
        *(
            '"a b"@c',
            "a@b..c",
            "a@[192.0.2]",
            "a@[x]",
            "{target}",
            "a@{target}",
            "x" * 65 + "@b",
            "a\u200b@b",
            "a:b@c",
        ),
    ],
)
def test_these_are_no_email_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an e-mail address|is not supported here"):
        check_email(text)


@given(st.text())
def test_what_passes_as_an_address_can_stand_in_an_smtp_command(text: str) -> None:
    for check in (check_email, check_host):
        try:
            check(text)
        except ValueError:
            continue
        assert text
        assert text.isprintable()
        assert not set(text) & set(" <>{}")


@pytest.mark.parametrize(
    "text", ["{target}", "smtp.{target}", "{target}.example.org", "mail.example.org"]
)
def test_the_target_may_be_a_host_or_a_part_of_one(text: str) -> None:
    assert hosts.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    ["{targt}", "{{target}}", "{target", "target}", "${target}", "{target}:25", "{target} x"],
)
def test_any_other_brace_is_a_mistake(text: str) -> None:
    with pytest.raises(ValidationError, match=r"only placeholder|not a host"):
        hosts.validate_python(text)


@pytest.mark.parametrize(
    ("text", "nameserver"),
    [
        ("192.0.2.53", "192.0.2.53:53"),
        ("192.0.2.53:5353", "192.0.2.53:5353"),
        ("2001:db8::53", "[2001:db8::53]:53"),
        ("[2001:db8::53]", "[2001:db8::53]:53"),
        ("[2001:DB8:0::53]:5353", "[2001:db8::53]:5353"),
    ],
)
def test_a_nameserver_is_an_address_and_a_port(text: str, nameserver: str) -> None:
    assert nameservers.validate_python(text) == nameserver


@pytest.mark.parametrize(
    "text", ["ns.example.org", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:٥", "x:" + "9" * 5000]
)
def test_anything_else_is_no_nameserver(text: str) -> None:
    with pytest.raises(ValidationError, match=r"not a nameserver"):
        nameservers.validate_python(text)


@pytest.mark.parametrize(
    "text", ["*", "*@example.org", "relay?.example.org", "10.0.0.0/8", "2001:db8::/32", "a/b@c"]
)
def test_a_pattern_is_for_names_addresses_and_networks(text: str) -> None:
    assert patterns.validate_python(text) == text


@pytest.mark.parametrize(("value", "family"), [("any", "any"), (4, "4"), ("6", "6")])
def test_an_address_family_needs_no_quotes(value: object, family: str) -> None:
    assert NetworkOptions.model_validate({"ip": value}).ip == family


FITS = 64 - TRIP_LENGTH


@pytest.mark.parametrize(
    "text",
    [
        "probe@example.org",
        "probe+{trip}@example.org",
        "{trip}@example.org",
        "{trip}-bounces@example.org",
        "a.{trip}.b@xn--bcher-kva.example",
        "x" * (FITS - 1) + "+{trip}@example.org",
    ],
)
def test_the_local_part_of_a_sender_may_hold_a_trip(text: str) -> None:
    assert senders.validate_python(text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("probe@{trip}.example.org", "only before the @, once"),
        ("{trip}+{trip}@example.org", "only before the @, once"),
        ("probe+{target}+{trip}@example.org", "only before the @, once"),
        ("probe+{trip}}@example.org", "only before the @, once"),
        ("probe+{trip}", "only before the @, once"),
        ("probe{trip}@example.org", "needs a sign between it and letters"),
        ("{trip}probe@example.org", "needs a sign between it and letters"),
        ("x" * FITS + "+{trip}@example.org", "there may be 26 characters before the @"),
        ("é" * (FITS // 2) + "+{trip}@example.org", "there may be 26 characters before the @"),
        ("a b+{trip}@example.org", "not an e-mail address"),
        ("probe+{trip}@", "not an e-mail address"),
        ("probe+{target}@example.org", "`{target}` is not supported here"),
    ],
)
def test_a_trip_anywhere_else_is_a_mistake(text: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        senders.validate_python(text)
