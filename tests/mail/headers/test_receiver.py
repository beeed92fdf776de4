"""What the receiver of a message wrote into it: SPF, DKIM, DMARC, ARC, spam scores, and where the
mail left from."""

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exporter.config.header import AuthservId, AuthservIds
from exporter.core.facts import Authentication, Client, Hop, SpamScore
from exporter.mail.headers.authentication import (
    MAX_LENGTH,
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
from exporter.mail.message import headers, received
from exporter.mail.mime import parse
from tests.mail.headers.test_received import SENT_AT, TOOK, WORD

SAMPLES = sorted((Path(__file__).parent / "arrived").glob("*.txt"))
RECEIVED = ("Received", "from mail.example.org ([192.0.2.1]) by mx.example.net")
FOREIGN = ("Received", "from probe.example.org ([198.51.100.7]) by mail.example.org")


def result(text: str, name: str = "mx.example.net") -> tuple[str, str]:
    return "Authentication-Results", f"{name}; {text}"


def results(*lines: tuple[str, str], by: str = "mx.example.net") -> dict[str, str]:
    return {one.method: one.result for one in authentication(lines, by)}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_the_receiver_s_judgement_is_read_as_each_server_writes_it(sample: Path) -> None:
    message, _, expected = sample.read_text(encoding="utf-8").partition("----\n")
    trusted: list[str] | None = None
    if message.startswith("trusted: "):
        first, _, message = message.partition("\n")
        trusted = first.removeprefix("trusted: ").split(", ")
    raw = f"{message}Message-ID: <{WORD}@example.org>\n\nbody\n".encode()
    (outermost,) = headers(parse(raw), WORD)
    lines = [f"left from {left_from(hops(received(parse(raw), WORD), SENT_AT, TOOK), trusted)}"]
    lines += [
        f"{one.method} {one.result}"
        for one in authentication(outermost, trusted or "nobody.example")
    ]
    lines += [f"spam score {one.score:g} of {one.scanner}" for one in spam_scores(outermost)]
    assert lines == expected.splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spf=pass", {"spf": "pass"}),
        ("SPF = Pass", {"spf": "pass"}),
        ("spf/1=hardfail", {"spf": "fail"}),
        ("(spf=pass) spf (a) = (b) fail (c)", {"spf": "fail"}),
        ('x=y reason="; spf=pass"; dkim=none', {"dkim": "none"}),
        ("dkim=timeout", {"dkim": "other"}),
        ("dkim=fail; dkim=neutral", {"dkim": "fail"}),
        ("dkim=fail; dkim=pass", {"dkim": "pass"}),
        ("spf=fail; spf=pass", {"spf": "fail"}),
        ("spf=fail smtp.helo=a.example; spf=pass smtp.mailfrom=b@a.example", {"spf": "pass"}),
        ("spf=pass smtp.mailfrom=b@a.example; spf=fail smtp.helo=a.example", {"spf": "pass"}),
        ("spf=pass smtp.helo=a.example", {"spf": "pass"}),
        (
            "spf=softfail smtp.mailfrom=b@a.example smtp.helo=a.example; spf=pass smtp.helo=a",
            {"spf": "softfail"},
        ),
        ("xspf=pass; spf-helo=pass; x-spf=pass; spf", {}),
        ("none", {}),
        ("", {}),
        ("(((spf=pass", {}),
        ("((a) ; spf=pass)", {}),
        (f"{'x' * MAX_LENGTH}; spf=pass", {}),
        ("spf=pass) ; dmarc=pass", {"spf": "pass", "dmarc": "pass"}),
        (r"(\(; spf=fail) ; spf=pass", {"spf": "pass"}),
        ('"(" ; spf=pass', {"spf": "pass"}),
        ('spf=pass x="never closed ; dmarc=pass', {"spf": "pass", "dmarc": "pass"}),
    ],
)
def test_results_are_found_between_comments_and_quotes(text: str, expected: dict[str, str]) -> None:
    assert results(result(text)) == expected


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


def test_what_spf_says_of_the_sender_counts_above_what_it_says_of_the_greeting() -> None:
    helo, sender = (
        result("spf=pass smtp.helo=a.example"),
        result("spf=fail smtp.mailfrom=b@a.example"),
    )
    assert results(helo, sender) == results(sender, helo) == {"spf": "fail"}
    assert results(helo, helo) == {"spf": "pass"}
    assert results(sender, result("spf=pass smtp.mailfrom=b@a.example")) == {"spf": "fail"}


@pytest.mark.parametrize(
    "name", ["mx.example.net.evil.example", "example.net", "mx", "", "x mx.example.net", "spf=pass"]
)
def test_nobody_else_is_believed(name: str) -> None:
    assert results(result("spf=pass", name)) == {}


def test_microsoft_does_not_say_its_name() -> None:
    nameless = ("Authentication-Results", "spf=pass (sender IP is 192.0.2.1); dkim=none")
    assert results(nameless, by="mx.microsoft.com") == {"spf": "pass", "dkim": "none"}
    assert results(nameless) == {}


def test_of_two_headers_the_upper_one_counts() -> None:
    assert results(result("dkim=fail"), result("dkim=pass; spf=pass")) == {
        "dkim": "fail",
        "spf": "pass",
    }
    sealed = ("ARC-Authentication-Results", "i=1; mx.example.net; arc=pass; spf=fail")
    assert results(sealed) == {"arc": "pass"}
    assert results(sealed, result("arc=fail")) == {"arc": "fail"}


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


@pytest.mark.parametrize(
    "word", ["", "two words", "a;b", "spf=pass", '"x"', "(x)", "é", "x\n", "x" * 254]
)
def test_a_name_that_no_server_can_have_is_a_mistake(word: str) -> None:
    with pytest.raises(ValidationError, match="not a single ASCII word"):
        TypeAdapter(AuthservId).validate_python(word)
    assert TypeAdapter(AuthservId).validate_python("MX.example.net") == "mx.example.net"
    with pytest.raises(ValidationError, match="not a single ASCII word"):
        TypeAdapter(AuthservIds).validate_python(["mx.example.net", word])


def test_one_name_or_a_list_of_them() -> None:
    names = TypeAdapter(AuthservIds)
    assert names.validate_python("MX.example.net") == ("mx.example.net",)
    assert names.validate_python(["a", "B"]) == ("a", "b")
    for wrong in ([], ["a"] * 21):
        with pytest.raises(ValidationError, match="must have one to 20 names"):
            names.validate_python(wrong)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["X-Spamd-Result: default: True [-12.5 / 15.00]; A(1.00)[2 / 3]", "X-Spamd-Bar: +"],
            {"rspamd": -12.5},
        ),
        (["X-Rspamd-Score: 12.314971"], {"rspamd": 12.314971}),
        (["X-Spamd-Bar: /"], {"rspamd": 0}),
        (
            ["X-Spam-Status: Yes, hits=5.3 required=5.0", "X-Spam-Checker-Version: SpamAssassin 2"],
            {"spamassassin": 5.3},
        ),
        (["X-Spam-Score: 5.1", "X-Virus-Scanned: amavisd-new at example.net"], {"amavis": 5.1}),
        (["X-Spam-Score: 5.1", "X-Rspamd-Action: no action"], {"rspamd": 5.1}),
        (["X-Spam-Score: 5.1", "X-Spamd-Queue-Id: 1"], {"rspamd": 5.1}),
        (["X-Spam-Score: 5.1", "X-Spam-Status: No, tagged_above=-999 version=1"], {"amavis": 5.1}),
        (["X-Spam-Status: No, score=1 autolearn=ham"], {"spamassassin": 1}),
        ([f"X-Spam-Status: No{' ' * MAX_LENGTH}, score=1"], {}),
        (["X-Spam-Score: 5.1", "X-Spam-Score: 1"], {"other": 5.1}),
        (["X-Spam-Score: inf"], {}),
        (["X-Spam-Status: No, score=-Infinity", "X-Spamd-Result: x [NaN / 15.00]"], {}),
        (
            [
                "X-Spam-Score: 1e999",
                "X-Rspamd-Score: nan",
                "X-Barracuda-Spam-Score: 9999999",
                "X-Spamd-Bar: +-",
            ],
            {},
        ),
        (["X-MS-Exchange-Organization-SCL: 12", "X-Forefront-Antispam-Report: XSCL:3;SCL:22"], {}),
        (
            ["X-MS-Exchange-Organization-SCL: 6", "X-Forefront-Antispam-Report: SCL:1"],
            {"microsoft": 6},
        ),
        (["X-Barracuda-Spam-Status: Yes, SCORE=3.60 using"], {"barracuda": 3.6}),
        (
            ["X-Rspamd-Score: 2", "X-Spam-Status: No, score=1.5 tests=A version=4"],
            {"rspamd": 2, "spamassassin": 1.5},
        ),
    ],
)
def test_a_score_is_known_by_the_scanner_s_words(
    lines: list[str], expected: dict[str, float]
) -> None:
    found = spam_scores(
        [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    )
    assert {one.scanner: one.score for one in found} == expected


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
