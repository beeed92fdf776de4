"""The name that asks a list about a subject (RFC 5782 sections 2.1, 2.4 and 3.1)."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.blocklists.names import Subject, SubjectKind


@pytest.mark.parametrize(
    ("text", "kind", "canonical", "labels"),
    [
        ("192.0.2.99", "ipv4", "192.0.2.99", "99.2.0.192"),
        (
            "2001:DB8:1:2:3:4:567:89ab",
            "ipv6",
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
        ),
        ("[2001:db8::1]", "ipv6", "2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2"),
        ("::ffff:192.0.2.99", "ipv4", "192.0.2.99", "99.2.0.192"),
        ("Example.ORG.", "domain", "example.org", "example.org"),
        ("Bücher.example", "domain", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        (
            "faß.example",
            "domain",
            "xn--fa-hia.example",
            "xn--fa-hia.example",
        ),  # IDNA 2008; in 2003 it was another name
        ("_dmarc.example.org", "domain", "_dmarc.example.org", "_dmarc.example.org"),
    ],
)
def test_a_subject_has_one_name(text: str, kind: str, canonical: str, labels: str) -> None:
    subject = Subject.of(text)
    assert (subject.kind, subject.text, subject.labels) == (SubjectKind(kind), canonical, labels)


@pytest.mark.parametrize(
    "text",
    ["fe80::1%eth0", "", "a..b", "http://example.org", "192.0.2", "x" * 64 + ".org", "ü" * 70],
)
def test_what_is_no_subject_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|zone"):
        Subject.of(text)


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_its_32_nibbles_in_reverse_order(address: IPv6Address) -> None:
    subject = Subject.of(str(address))
    if address.ipv4_mapped:
        assert subject == Subject.of(str(address.ipv4_mapped))
        return
    nibbles = subject.labels.split(".")
    assert len(nibbles) == 32
    assert int("".join(reversed(nibbles)), 16) == int(address)
    assert subject.labels == address.reverse_pointer.removesuffix(".ip6.arpa")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_its_octets_in_reverse_order(address: IPv4Address) -> None:
    assert Subject.of(str(address)).labels == address.reverse_pointer.removesuffix(".in-addr.arpa")


@given(st.text(max_size=80))
def test_any_text_is_a_subject_in_canonical_form_or_a_value_error(text: str) -> None:
    try:
        subject = Subject.of(text)
    except ValueError:
        return
    assert Subject.of(subject.text) == subject
    assert subject.labels.isascii()
    assert subject.labels == subject.labels.lower()
