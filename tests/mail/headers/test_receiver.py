"""What the receiver of a message wrote into it: SPF, DKIM, DMARC, ARC, spam scores, and where the
mail left from."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.core.facts import Authentication, Client, Hop, SpamScore
from exporter.mail.headers.authentication import (
    METHODS,
    OTHER,
    RESULTS,
    authentication,
)
from exporter.mail.headers.received import hops
from exporter.mail.headers.receiver import (
    MAX_HEADERS,
    belongs,
    client_of,
    is_inside,
    left_from,
    trusted_part,
)
from exporter.mail.headers.spam import SCANNERS, spam_scores
from exporter.mail.message import headers
from exporter.mail.mime import parse
from tests.mail.headers.test_received import SENT_AT, TOOK

RECEIVED = ("Received", "from mail.example.org ([192.0.2.1]) by mx.example.net")
FOREIGN = ("Received", "from probe.example.org ([198.51.100.7]) by mail.example.org")


def result(text: str, name: str = "mx.example.net") -> tuple[str, str]:
    return "Authentication-Results", f"{name}; {text}"


def results(*lines: tuple[str, str], by: str = "mx.example.net") -> dict[str, str]:
    return {one.method: one.result for one in authentication(lines, by)}


@pytest.mark.parametrize(
    "name", ["mx.example.net", "MX.Example.Net 1", '"mx.example.net"', "(ours) mx.example.net (it)"]
)
def test_the_receiver_is_known_by_its_name(name: str) -> None:
    assert results(result("spf=pass", name)) == {"spf": "pass"}


def test_a_receiver_may_have_several_names() -> None:
    lines = (
        result("spf=pass", "a.example.net"),
        result("dkim=pass", "b.example.net"),
        result("dmarc=pass", "c"),
    )
    found = authentication(lines, ("a.example.net", "B.example.net"))
    assert {one.method: one.result for one in found} == {"spf": "pass", "dkim": "pass"}


def test_a_domain_stands_for_the_names_below_it_where_the_receiver_s_servers_have_theirs() -> None:
    """Where the receiver has one name, it takes away forged headers of that name alone (RFC 8601
    section 5)."""
    below = result("spf=pass", "spf.example.net")
    assert results(RECEIVED, below, by="example.net") == {"spf": "pass"}
    assert results(RECEIVED, below, by="mx.example.net") == {}
    assert results(RECEIVED, result("spf=pass", "spf.mx.example.net")) == {}
    assert results(below, by="example.net") == {}


@pytest.mark.parametrize(
    ("above", "believed"),
    [
        ([], True),
        ([RECEIVED], True),  # right below, as Gmail and rspamd do it
        ([RECEIVED, FOREIGN], False),
        ([FOREIGN, RECEIVED], True),  # a mailbox elsewhere, to which the receiver gave the message
        ([("Received", "from mx.example.net by imap.example.net"), RECEIVED], True),
        (
            [
                ("Received", "from localhost ([127.0.0.1]) by mx.example.net"),
                ("Received", "by localhost"),
                RECEIVED,
            ],
            True,
        ),
        (
            [
                ("Received", "from localhost ([::1]) by mx.example.net"),
                ("Received", "by 10.0.0.7"),
                RECEIVED,
            ],
            True,
        ),
        (
            [("Received", "from mail.example.org ([172.17.0.1]) by mx.example.net"), FOREIGN],
            False,
        ),  # Docker's network
        (
            [
                ("Received", "from a ([10.0.0.1]) by mx.example.net"),
                ("Received", "by 1a.example.org"),
            ],
            False,
        ),
        ([RECEIVED, RECEIVED], False),  # the lower one is forged: a stranger gave it
        ([FOREIGN], True),
        ([FOREIGN, FOREIGN], False),  # no server has the receiver's name
        ([("X-Other", "x")] * MAX_HEADERS, False),
    ],
)
def test_what_a_stranger_may_have_written_is_not_believed(
    above: list[tuple[str, str]], believed: bool
) -> None:
    assert results(*above, result("spf=pass")) == ({"spf": "pass"} if believed else {})


@pytest.mark.parametrize(
    ("name", "receiver", "its"),
    [
        ("mx.example.net", "mx.example.net", True),
        ("MX2.example.net.", "mx.example.net", True),
        ("example.net", "mx.example.net", True),
        ("in.mx.example.net", "mx.example.net", True),
        ("mx.example.net", "example.net", True),
        ("badexample.net", "mx.example.net", False),
        ("mx.example.org", "mx.example.net", False),
        ("other.co.uk", "example.co.uk", False),
        ("mx.example.co.uk", "example.co.uk", True),
        ("mx2.co.example", "mx.co.example", True),
        ("example.net", "net", True),
        ("other.net", "example.net", False),
        ("a.prod.exchangelabs.com", "mx.microsoft.com", True),
        ("mail.microsoft.com", "mx.microsoft.com", False),
        ("", "mx.example.net", False),
    ],
)
def test_servers_of_one_domain_are_one_receiver(name: str, receiver: str, its: bool) -> None:
    assert belongs(name, receiver) is its


def hop(by: str, address: str, helo: str = "mail.example.org", protocol: str = "ESMTP") -> Hop:
    return Hop(1, by, helo, address, protocol, None, None, None)


@pytest.mark.parametrize(
    ("newest_first", "trusted", "address"),
    [
        ([], None, ""),
        ([hop("mx", "192.0.2.1"), hop("relay", "198.51.100.7")], None, "192.0.2.1"),
        ([hop("mx", "10.0.0.1"), hop("relay", "198.51.100.7")], None, "198.51.100.7"),
        ([hop("mx", "10.0.0.1"), hop("relay", "127.0.0.1")], None, "10.0.0.1"),
        (
            [
                hop("imap", "127.0.0.3", protocol="LMTP"),
                hop("mx", "127.0.0.2"),
                hop("r", "127.0.0.1"),
            ],
            None,
            "127.0.0.2",
        ),
        ([hop("mx", "::1"), hop("mx", "fd00::1"), hop("mx", "2001:db8::1")], None, "2001:db8::1"),
        (
            [hop("mx", "100.127.0.1"), hop("mx", "169.254.1.1"), hop("mx", "192.0.2.1")],
            None,
            "192.0.2.1",
        ),
        ([hop("mx", ""), hop("mx", "127.0.0.1")], None, ""),
        (
            [
                hop("b.outlook.com", "2001:db8::2", "a.outlook.com"),
                hop("a.outlook.com", "192.0.2.1"),
            ],
            None,
            "192.0.2.1",
        ),
        (
            [hop("end.example", "203.0.113.9"), hop("mx.example.net", "192.0.2.1")],
            "mx.example.net",
            "192.0.2.1",
        ),
        (
            [hop("end.example", "203.0.113.9"), hop("mx.example.net", "10.0.0.1")],
            "mx.example.net",
            "10.0.0.1",
        ),
        (
            [
                hop("b.example.net", "203.0.113.9", "a.example.net"),
                hop("a.example.net", "192.0.2.1"),
            ],
            "mx.example.net",
            "192.0.2.1",
        ),
        ([hop("end.example", "203.0.113.9")], "mx.example.net", "203.0.113.9"),
    ],
)
def test_the_address_is_the_one_that_the_receiver_saw(
    newest_first: list[Hop], trusted: str, address: str
) -> None:
    assert left_from(newest_first[::-1], trusted) == address


RECEIVED = ("Received", "from mail.example.org ([192.0.2.1]) by mx.example.net")
PATH = ("Return-Path", "<probe@example.org>")


@pytest.mark.parametrize(
    ("headers", "by", "client"),
    [
        ([PATH, RECEIVED], "mx.example.net", ("192.0.2.1", "probe@example.org")),
        ([RECEIVED, PATH], "mx.example.net", ("192.0.2.1", "probe@example.org")),
        ([("Return-Path", "<>"), RECEIVED, PATH], "mx.example.net", ("192.0.2.1", "")),
        ([RECEIVED], "mx.example.net", None),
        ([("Return-Path", "nonsense"), RECEIVED], "mx.example.net", None),
        ([PATH, RECEIVED], "mx.example.com", None),
        ([RECEIVED, ("Received", "from a by b"), PATH], "mx.example.net", None),
    ],
)
def test_the_client_is_the_one_that_the_receiver_saw(
    headers: list[tuple[str, str]], by: str, client: tuple[str, str] | None
) -> None:
    way = [hop("mx.example.net", "192.0.2.1")]
    found = client_of(headers, way, by)
    assert found == (client and Client(client[0], "mail.example.org", client[1]))


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("192.168.1.1", True),
        ("fe80::1", True),
        ("127.43.1.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
    ],
)
def test_a_client_may_be_a_relay_of_the_receiver_s_own(address: str, inside: bool) -> None:
    assert is_inside(address) is inside


names = st.sampled_from(
    [
        "Received",
        "Authentication-Results",
        "ARC-Authentication-Results",
        "X-Spam-Status",
        "X-Spamd-Result",
        "X-Spamd-Bar",
        "X-Spam-Score",
        "X-Forefront-Antispam-Report",
        "X-Other",
    ]
)
words = st.sampled_from(
    [
        "mx.example.net",
        "; ",
        "spf",
        "dkim=",
        "pass",
        "(",
        ")",
        '"',
        "\\",
        "from ",
        " by ",
        "[192.0.2.1]",
        "[::1]",
        "i=1;",
        "score=",
        "1.5",
        "SCL:",
        "[",
        " / ",
        "+",
        "-",
        "é",
        "\udcff",
        "\r\n\t",
        "\0",
    ]
)
values = st.lists(words | st.text(max_size=5), max_size=30).map("".join)


@given(st.lists(st.tuples(names, values), max_size=12))
@example(
    [("Received", "from a [::1] by mx.example.net"), ("Authentication-Results", "mx.example.net")]
)
def test_whatever_the_headers_say_the_words_are_ours_and_the_numbers_finite(
    lines: list[tuple[str, str]],
) -> None:
    assert (
        list(trusted_part(lines, "mx.example.net"))
        == lines[: len(trusted_part(lines, "mx.example.net"))]
    )
    for one in authentication(lines, "mx.example.net"):
        assert isinstance(one, Authentication)
        assert one.method in METHODS
        assert one.result in {*RESULTS, OTHER}
    for score in spam_scores(lines):
        assert isinstance(score, SpamScore)
        assert score.scanner in SCANNERS
        assert math.isfinite(score.score)
    way = hops([value for name, value in lines if name == "Received"], SENT_AT, TOOK)
    assert left_from(way, "mx.example.net") in {"", *(hop.address for hop in way)}


@given(st.binary(max_size=400))
def test_no_header_is_too_broken_to_read(raw: bytes) -> None:
    authentication(headers(parse(b"Authentication-Results: " + raw), "")[0], "mx.example.net")
    spam_scores(headers(parse(b"X-Spam-Status: " + raw), "")[0])
