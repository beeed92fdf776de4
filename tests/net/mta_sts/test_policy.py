"""The form of policies, and of the records that announce them (RFC 8461 section 3)."""

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.mta_sts.policy import MOST_PATTERNS, Malformed, StsPolicy, parse, version_of

GOOD = (
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
    "max_age: 604800\r\n"
)
POLICY = StsPolicy("enforce", ("mail.example.com", "*.example.net"), 604800)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\r\n", "\n"),
        GOOD.removesuffix("\r\n"),
        GOOD.replace(": ", ":"),
        GOOD.replace(": ", " :\t "),
        GOOD + "unknown: field\r\n",
        GOOD + "mode: none\r\nmax_age: 1\r\n",  # the first counts
        "\r\n" + GOOD + "  \r\n",
    ],
)
def test_a_policy_is_read(text: str) -> None:
    assert parse(text) == POLICY


def test_a_policy_of_the_mode_none_needs_no_exchangers() -> None:
    assert parse("version: STSv1\nmode: none\nmax_age: 60") == StsPolicy("none", (), 60)


def test_a_policy_may_last_a_year() -> None:
    assert parse(GOOD.replace("604800", "31557600")).max_age == 31_557_600


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version"),
        ("<html>", "colon"),
        (GOOD.replace("STSv1", "STSv2"), "version"),
        (GOOD.replace("enforce", "report"), "mode is 'report'"),
        (GOOD.replace("604800", "soon"), "max_age is 'soon'"),
        (GOOD.replace("604800", "-1"), "max_age"),
        (GOOD.replace("604800", "12345678901"), "max_age"),
        (GOOD.replace("604800", "31557601"), "max_age is '31557601'"),
        (GOOD.replace("604800", "٣"), "max_age"),
        (GOOD.replace("mx:", "MX:"), "no mx"),
        (GOOD + "mx: a.test\n" * MOST_PATTERNS, "more than"),
        (GOOD.replace("mode: enforce\r\n", ""), "mode is ''"),
    ],
)
def test_what_is_no_policy_is_named(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse(text)


@given(st.text())
def test_nothing_else_is_raised(text: str) -> None:
    try:
        parse(text)
    except Malformed:
        return


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("mail.example.com", True),
        ("MAIL.EXAMPLE.COM", True),
        ("mx1.example.net", True),
        ("example.net", False),
        ("a.b.example.net", False),
        ("mail2.example.com", False),
    ],
)
def test_which_exchangers_it_covers(host: str, covered: bool) -> None:
    assert POLICY.covers(host) == covered


@pytest.mark.parametrize(
    ("records", "version"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1; id=1; x=y;"], "1"),
        (["v=STSv1 ; id=1 ; "], "1"),
        (["v=STSv1; id=1 "], "1"),
        (["v=spf1 -all", "v=STSv1; id=1;"], "1"),
        ([], None),
        (["v=spf1 -all"], None),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),  # several: none
        (["v=STSv1;"], None),
        (["v=STSv1; id=;"], None),
        (["v=STSv1; id=a-b;"], None),
        (["v=STSv1; id=" + "1" * 33], None),
        (["v=STSv10; id=1;"], None),
        ([" v=STSv1; id=1;"], None),
        (["v=STSv1; id=1; -"], None),
        (["v=STSv1; id=1;;"], None),
    ],
)
def test_the_version_that_is_announced(records: list[str], version: str | None) -> None:
    assert version_of(records) == version


@pytest.mark.parametrize(
    "begin", ["v=STSv1", "v=STSv1; id=1", "v=STSv1; id=1;", "v=STSv1; id=1; x"]
)
def test_a_record_as_long_as_dns_allows_is_soon_read(begin: str) -> None:
    """The owner of the domain could hold up everything else."""
    began = thread_time()
    assert version_of([begin + " " * 65000 + "\n"]) is None
    assert thread_time() - began < 0.5
