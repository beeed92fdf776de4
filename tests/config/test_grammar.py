"""What may become part of a command or a header: whatever the grammar takes can do no harm
there."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.config.grammar import (
    domain_of,
    email_of,
    host_of,
    in_unicode,
    ip_of,
    is_line,
    literal_of,
)
from exporter.core.one_line import CONTROL

RULES: dict[str, Callable[[str], str | None]] = {
    "domain": domain_of,
    "host": host_of,
    "literal": literal_of,
    "e-mail": email_of,
}
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
texts = st.text(max_size=30) | st.text(
    st.sampled_from('aZ1.-_@[]:%IPv6\r\n\0 <>"\\é。\ufe0f\u202e'), max_size=30
)


def is_harmless(text: str) -> bool:
    return (
        text.isprintable()
        and not set(text) & set(' <>"\\,;()\r\n\0\t')
        and not re.search(f"[{CONTROL}]", text)
    )


@given(texts)
@example("a@[IPv6:::1%\r\nX-Injected: yes]")
@example("fe80::1%eth0")
def test_what_fits_is_harmless_and_its_own_canonical_form(text: str) -> None:
    for name, rule in RULES.items():
        form = rule(text)
        if form is not None:
            assert is_harmless(form), (name, text)
            assert is_harmless(text), (name, text)
            assert rule(form) == form, (name, text)
            assert len(form.encode()) <= 254
            assert form.rpartition("@")[2].isascii(), (name, text)
            assert rule(in_unicode(form)) == form, (name, text)


@given(addresses, texts)
def test_no_address_has_a_zone(address: object, zone: str) -> None:
    text = f"{address}%{zone}"
    assert ip_of(text) is None
    assert host_of(text) is None
    for literal in (f"[{text}]", f"[IPv6:{text}]"):
        assert literal_of(literal) is None
        assert email_of(f"a@{literal}") is None


@given(st.ip_addresses(v=6))
def test_an_address_has_one_form_however_it_is_written(address: IPv6Address) -> None:
    spellings = {str(address), address.exploded, address.exploded.upper(), str(address).upper()}
    assert len({host_of(spelling) for spelling in spellings}) == 1
    assert len({email_of(f"a@[IPv6:{spelling}]") for spelling in spellings}) == 1


@given(
    st.from_regex(
        r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,10}[a-zA-Z0-9])?(\.[a-zA-Z][a-zA-Z0-9]{0,10}){1,3}\.?",
        fullmatch=True,
    )
)
def test_case_and_a_final_dot_are_no_other_domain(name: str) -> None:
    assert domain_of(name) == domain_of(name.upper()) == domain_of(name.lower().removesuffix("."))
    assert domain_of(name) is not None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a@[2001:db8::1]",
            "a@[IPv6:192.0.2.1]",
            "a@[IPv6:]",
            "a@[]",
            "a@[IPv4:192.0.2.1]",
            "a@[192.0.2.1",
            "a@192.0.2.1",
        ),
        *(
            "a@-b.example",
            "a@b-.example",
            "a@b.example..",
            "a@xn--a.\udcff",
            "\udcff@b.example",
            "é" * 33 + "@b.example",
        ),
        *(
            "a@①②⑦.⓪.⓪.①",
            "a@１２７.0.0.1",
            "a@0x7f000001",
            "a@127.0.0.1.",
            "a@b\u200bc.example",
            "a\u202eb@c.example",
        ),
        *(
            "x" * 64 + "@" + ".".join(["y" * 63] * 3),
            '"a"@b.example',
            "a@b.example\n",
            "\u2028a@b.example",
        ),
        *("a\x85@b.example", "a\xa0@b.example", "a\u3000b@c.example", "a@" + "é" * 63 + ".example"),
    ],
)
def test_these_are_no_addresses(text: str) -> None:
    assert email_of(text) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("A@B.Example.", "A@b.example"),
        ("用户@例え.example", "用户@xn--r8jz45g.example"),
        (
            "x" * 64 + "@" + ".".join(["y" * 63] * 2) + ".example",
            "x" * 64 + "@" + ".".join(["y" * 63] * 2) + ".example",
        ),
        ("a@[IPV6:::FFFF:192.0.2.1]", "a@[192.0.2.1]"),
        ("a@_dmarc.b.example", "a@_dmarc.b.example"),
    ],
)
def test_these_are(text: str, form: str) -> None:
    assert email_of(text) == form


@given(st.text(max_size=20))
def test_a_line_of_a_header_is_one_line(text: str) -> None:
    if is_line(text, 10):
        assert len(text.splitlines()) == 1
        assert not re.search(f"[{CONTROL}]", text)
        assert len(text) <= 10
