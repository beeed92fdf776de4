"""What changed, in words for people."""

import json
from dataclasses import replace

import pytest

from exporter.core.comparison.words import (
    MAX_SENTENCE,
    failure_in_words,
    in_words,
    letter,
    sentence,
)
from exporter.core.facts import Change, Changes, LeftFrom
from exporter.core.json_output import as_json
from exporter.core.model import Failure, Outcome, ProbeKey, Reply
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.state.evidence import readable, written

SPF = Change("spf_record", "example.org", ("v=spf1 -all",), ())
ADDRESS = Change("left_from", "", ("192.0.2.7",), ("192.0.2.99",))
FOUND = Changes("good", 1_700_000_000.0, (ADDRESS, SPF), ("the servers on the way",), ())
FAILURE = Failure(Phase.SEND, None, Reason.REJECTED, "550", "mx answered 550 5.7.1 no")
OUTCOME = Outcome(
    "trip",
    ProbeKey("relay", "someone@example.net"),
    1_700_000_300.0,
    1.0,
    (),
    (Reply(550, "5.7.1 no"), LeftFrom("192.0.2.99"), FOUND),
    FAILURE,
)
LETTER = """\
Subject: mail to someone@example.net fails since 2023-11-14 22:18 UTC

A test message to someone@example.net was sent at 2023-11-14 22:18 UTC.
It failed: send: rejected 550: mx answered 550 5.7.1 no
The last reply of the server was: 550 5.7.1 no
It left from 192.0.2.99.
The last message before it that arrived was sent at 2023-11-14 22:13 UTC.

Changed since then:
* the leaving address
  before: 192.0.2.7
  now:    192.0.2.99
* the SPF record of example.org
  before: v=spf1 -all
  now:    none

As before: the servers on the way

Trip trip."""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (SPF, "the SPF record of example.org: none instead of v=spf1 -all"),
        (ADDRESS, "the leaving address: 192.0.2.99 instead of 192.0.2.7"),
        (replace(SPF, before=(), after=("a",)), "the SPF record of example.org: a instead of none"),
        (Change("hops", "", ("a", "b"), ("a", "b", "c")), "the servers on the way: c is new"),
        (
            Change("exchangers", "example.org", ("a", "b"), ("b", "c", "d")),
            "the exchangers of example.org: c and d are new, a is gone",
        ),
        (Change("later", "x", ("a",), ("b",)), "later x: b instead of a"),
    ],
)
def test_a_change_says_what_was_and_what_is(change: Change, expected: str) -> None:
    assert in_words(change) == expected


def test_a_sentence_names_three_changes_and_counts_the_others() -> None:
    assert sentence(replace(FOUND, changes=(ADDRESS,) * 5)).endswith("; and 2 more")
    long = replace(SPF, before=("x" * 600, "y" * 600, "z" * 600))
    assert len(sentence(replace(FOUND, changes=(long,) * 5))) <= MAX_SENTENCE


def test_a_failure_says_what_changed() -> None:
    assert failure_in_words(OUTCOME) == (
        "send: rejected 550: mx answered 550 5.7.1 no; changed since the last good trip at"
        " 2023-11-14 22:13 UTC: the leaving address: 192.0.2.99 instead of 192.0.2.7; the SPF"
        " record of example.org: none instead of v=spf1 -all"
    )
    assert failure_in_words(replace(OUTCOME, facts=())) == str(FAILURE)
    assert failure_in_words(replace(OUTCOME, failure=None)) == ""


def test_a_listing_of_unknown_age_is_no_change() -> None:
    found = replace(FOUND, changes=(), listed=("bl.example",))
    assert sentence(found) == (
        "nothing that was compared has changed since the last good trip at 2023-11-14 22:13 UTC;"
        " the leaving address is listed on bl.example"
    )


def test_a_text_for_the_other_postmaster() -> None:
    assert letter(OUTCOME) == LETTER
    assert letter(replace(OUTCOME, facts=())) == ""


def test_it_is_in_the_json_and_survives_the_state() -> None:
    (fact,) = [one for one in json.loads(as_json(OUTCOME))["facts"] if one["fact"] == "changes"]
    assert fact["good_trip"] == "good"
    assert fact["changes"][0] == {
        "what": "left_from",
        "about": "",
        "before": ["192.0.2.7"],
        "after": ["192.0.2.99"],
    }
    assert readable(written(OUTCOME)) == OUTCOME
