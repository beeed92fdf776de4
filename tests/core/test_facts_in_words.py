"""What each fact of a trip says, in words."""

from typing import get_args

import pytest

from exporter.core.facts import ArrivedHeaders
from exporter.core.facts_in_words import Day, Moment, Words, facts_in_words, tls_in_words
from exporter.core.model import Fact, QueriedList, TlsSession
from exporter.core.phases import Leg
from exporter.core.timing.when import utc, utc_day
from tests.support.every_fact import EVERY_FACT, EXPIRES, TLS


def in_utc(words: Words) -> str:
    return "".join(
        utc(part.at)
        if isinstance(part, Moment)
        else utc_day(part.at)
        if isinstance(part, Day)
        else part
        for part in words
    )


def test_every_kind_of_fact_has_words() -> None:
    """But headers, which are a text of their own, and the lists that were asked, whose answers have
    words."""
    assert {type(fact) for fact in EVERY_FACT} == set(get_args(Fact)), (
        "add the new kind of fact to tests/support/every_fact.py"
    )
    silent = {type(fact) for fact, rows in EVERY_FACT.items() if not rows}
    assert silent == {ArrivedHeaders, QueriedList}


@pytest.mark.parametrize(
    ("fact", "rows"), EVERY_FACT.items(), ids=[type(fact).__name__ for fact in EVERY_FACT]
)
def test_it_says(fact: Fact, rows: tuple[str, ...]) -> None:
    said = [*facts_in_words([fact])]
    assert tuple(f"{row.name}: {in_utc(row.words)}" for row in said) == rows
    assert all(row.fact is fact for row in said)


def test_of_several_tls_sessions_each_says_which_it_is() -> None:
    said = facts_in_words([TLS, TLS])
    assert [f"{row.name}: {in_utc(row.words)}"[:40] for row in said] == [
        "TLS, send: session 1 of 2: TLSv1.3 AES25",
        "certificate: session 1 of 2: issued by C",
        "our certificate: session 1 of 2: CN=prob",
        "TLS, send: session 2 of 2: TLSv1.3 AES25",
        "certificate: session 2 of 2: issued by C",
        "our certificate: session 2 of 2: CN=prob",
    ]


def test_the_end_of_a_refused_certificate_is_told() -> None:
    refused = TlsSession(Leg.MAILBOX, "", "", EXPIRES)
    assert tls_in_words(refused) == (
        *("certificate refused", ", certificate valid until "),
        Day(EXPIRES),
    )
    assert tls_in_words(TlsSession(Leg.MAILBOX, "TLSv1.2", "AES", None)) == ("TLSv1.2 AES",)
