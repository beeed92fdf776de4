"""Facts say of themselves what they mean."""

import pytest

from exporter.core.facts import Answer, FilterTest, is_secret
from exporter.core.home import Home


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Authorization", True),
        ("X-API-Key", True),
        ("x-apikey", True),
        ("X-Password", True),
        ("Set-Cookie", True),
        ("X-Access-Token", True),
        ("X-Mailtrip-Token", False),
        ("X-Scope-OrgID", False),
    ],
)
def test_headers_with_secrets_are_known_by_name(header: str, secret: bool) -> None:
    assert is_secret(header) is secret


def answer(**given: float | None) -> Answer:
    known = {"at": 1.0, "there": 1.0, "back": 2.0, "error": 0.5, "ahead": None, **given}
    return Answer(Home.REPLY, "you@example.org", "Re: mail", **known)


@pytest.mark.parametrize(
    ("given", "legs"),
    [
        ({}, "there 1.00 s, back 2.00 s; ± 0.50 s if its clock is right"),
        ({"back": None}, "there 1.00 s, back unknown; ± 0.50 s if its clock is right"),
        ({"there": None, "ahead": 90.0}, "unknown: its clock is 90 s or more ahead of ours"),
        ({"there": None, "ahead": -5.0}, "unknown: its clock is 5 s or more behind ours"),
        ({"there": None}, "unknown: it has no readable time, or mailtrip was restarted"),
    ],
)
def test_the_legs_are_told_or_why_they_are_unknown(
    given: dict[str, float | None], legs: str
) -> None:
    assert answer(**given).legs == legs
    assert str(answer()) == "answer from you@example.org: Re: mail"


def test_a_filter_has_to_do_something_with_what_it_gets() -> None:
    lost, junk = FilterTest("lost", "eicar"), FilterTest("junk")
    assert str(lost) == "a test virus (EICAR) must not arrive"
    assert (lost.may_arrive, junk.may_arrive) == (False, True)
    assert junk.met == "filed as spam, as expected"
    assert lost.let_through("INBOX", removed=True) == (
        "the filter let a test virus (EICAR) through: it arrived in INBOX, without its payload, and"
        " should not have arrived"
    )
    assert junk.let_through("") == (
        "the filter let the message through: it arrived, and should have been filed as spam"
    )
