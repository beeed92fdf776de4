"""What the receiver's server found out about the sender."""

from pathlib import Path

import pytest

from exporter.mail.headers.authentication import MAX_LENGTH, authentication
from exporter.mail.headers.received import hops
from exporter.mail.headers.receiver import left_from
from exporter.mail.headers.spam import spam_scores
from exporter.mail.message import headers, received
from exporter.mail.mime import parse
from tests.mail.headers.test_received import SENT_AT, TOOK, WORD
from tests.mail.headers.test_receiver import result, results

SAMPLES = sorted((Path(__file__).parent / "arrived").glob("*.txt"))


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
