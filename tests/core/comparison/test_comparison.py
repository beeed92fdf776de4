"""What changed since the good trips: planted causes are named, and nothing else is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from time import process_time
from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.comparison.circumstances import Aspect, What, circumstances_of
from exporter.core.comparison.comparison import GOOD_TRIPS, MOST_CHANGES, GoodTrip, compare
from exporter.core.dns_records import MAX_TEXT, exchanger_records, records
from exporter.core.facts import Changes, Client, Hop, RecordKind, SenderCheck, SpamScore
from exporter.core.model import Exchanger, Fact, PlaintextFallback, TlsPolicy
from tests.support.good_trip import (
    ARRIVAL,
    CERTIFICATE,
    CLIENT,
    DKIM_RECORD,
    DMARC_RECORD,
    EXCHANGERS,
    GOOD,
    LEFT_FROM,
    MAILBOX,
    MX1,
    MX2,
    POLICY,
    RESULTS,
    SCORE,
    SERVER,
    SPF_RECORD,
    WAY,
    instead,
    lost,
)


def good(facts: Sequence[Fact], number: int = 0) -> GoodTrip:
    return GoodTrip(f"good{number}", 1000.0 + number, circumstances_of(facts))


def changes(now: Sequence[Fact], *before: Sequence[Fact]) -> Changes:
    """`before` has the newest good trip first; without it, the same trip five times."""
    earlier = [good(facts, -place) for place, facts in enumerate(before or [GOOD] * 5)]
    found = compare(circumstances_of(now), earlier)
    assert found is not None
    return found


def named(found: Changes) -> list[tuple[str, str]]:
    return [(one.what, one.about) for one in found.changes]


def exchangers(*hosts: tuple[str, int]) -> Fact:
    return exchanger_records("example.net", [Exchanger(*one) for one in hosts])


def quickest(work: Callable[[], object]) -> float:
    """Processor seconds, of the best of a few times."""
    return min(repeat(work, number=1, repeat=5, timer=process_time))


EXTRA = Hop(3, "filter.example.com", MX1, "198.51.100.1", "ESMTP", 3.0, 0.0, 0.0)
NEW_KEY = records(RecordKind.DKIM, "k2._domainkey.example.org", ["v=DKIM1; p=MIIBnew"])
MX_OF = ("exchangers", "example.net")
SEND_CERTIFICATE = ("certificate", f"{MX1} (send)")

CAUSES: dict[str, tuple[Sequence[Fact], list[tuple[str, str]]]] = {
    "an exchanger is new": (
        instead((EXCHANGERS, exchangers((MX1, 10), (MX2, 20), ("mx3.example.net", 5)))),
        [MX_OF],
    ),
    "an exchanger is gone": (instead((EXCHANGERS, exchangers((MX1, 10)))), [MX_OF]),
    "all exchangers are others": (
        instead((EXCHANGERS, exchangers(("in.example.com", 10)))),
        [MX_OF],
    ),
    "a preference changed": (instead((EXCHANGERS, exchangers((MX1, 20), (MX2, 20)))), [MX_OF]),
    "no MX record is left": (instead((EXCHANGERS, exchangers())), [MX_OF]),
    "the exchanger moved to another address": (
        instead((SERVER, replace(SERVER, addresses=("203.0.113.1",)))),
        [("addresses", MX1)],
    ),
    "an address of the exchanger is gone": (
        instead((SERVER, replace(SERVER, addresses=("198.51.100.1",)))),
        [("addresses", MX1)],
    ),
    "the exchanger got an IPv6 address": (
        instead((SERVER, replace(SERVER, addresses=(*SERVER.addresses, "2001:db8::1")))),
        [("addresses", MX1)],
    ),
    "the exchanger has no address any more": (
        (EXCHANGERS, replace(SERVER, addresses=(), calls_itself="", sees_us_as="")),
        [("addresses", MX1)],
    ),
    "the exchanger calls itself another name": (
        instead((SERVER, replace(SERVER, calls_itself="gw.example.com"))),
        [("server_name", MX1)],
    ),
    "the exchanger sees another address of ours": (
        (EXCHANGERS, replace(SERVER, sees_us_as="192.0.2.99")),
        [("seen_as", MX1)],
    ),
    "its certificate was renewed": (
        instead((CERTIFICATE, replace(CERTIFICATE, serial="02", fingerprint="ef" * 32))),
        [SEND_CERTIFICATE],
    ),
    "its certificate is from another issuer and refused": (
        (EXCHANGERS, SERVER, replace(CERTIFICATE, version="", issuer="CN=X", fingerprint="1" * 64)),
        [SEND_CERTIFICATE],
    ),
    "the certificate of the mailbox was renewed": (
        instead((MAILBOX, replace(MAILBOX, fingerprint="ef" * 32))),
        [("certificate", "imap.example.net (mailbox)")],
    ),
    "TLS is older": (
        instead((CERTIFICATE, replace(CERTIFICATE, version="TLSv1.2"))),
        [("tls", f"{MX1} (send)")],
    ),
    "the message left in plain text": (
        instead((CERTIFICATE, PlaintextFallback(MX1, "STARTTLS was refused"))),
        [("tls", f"{MX1} (send)")],
    ),
    "the TLS policy is only tested": (
        instead((POLICY, TlsPolicy("mta_sts", "testing"))),
        [("tls_policy", "")],
    ),
    "the TLS policy is gone": (
        instead((POLICY, TlsPolicy("none", "none"))),
        [("tls_policy", "")],
    ),
    "an extra hop": (instead((WAY[2], replace(WAY[2], number=4)), more=(EXTRA,)), [("hops", "")]),
    "a hop is missing": (instead((WAY[2], None)), [("hops", "")]),
    "another store": (
        instead((WAY[2], replace(WAY[2], by="store2.example.net"))),
        [("hops", "")],
    ),
    "it leaves from another address": (
        instead(
            (LEFT_FROM, replace(LEFT_FROM, address="203.0.113.7")),
            (WAY[1], replace(WAY[1], address="203.0.113.7")),
        ),
        [("left_from", "")],
    ),
    "it leaves from an IPv6 address": (
        instead(
            (LEFT_FROM, replace(LEFT_FROM, address="2001:db8::7")),
            (WAY[1], replace(WAY[1], address="2001:db8::7")),
        ),
        [("left_from", "")],
    ),
    "the leaving server has another EHLO name": (
        instead((WAY[1], replace(WAY[1], helo="localhost.localdomain"))),
        [("ehlo_name", "")],
    ),
    "the client of our receiver has another EHLO name": (
        instead(more=(replace(CLIENT, helo="new.example.org"),)),
        [("ehlo_name", "")],
    ),
    "the DKIM selector was rotated": (
        instead((DKIM_RECORD, NEW_KEY)),
        [("dkim_selector", "example.org")],
    ),
    "the DKIM key is another one": (
        instead((DKIM_RECORD, replace(DKIM_RECORD, texts=("v=DKIM1; p=other",)))),
        [("dkim_key", "k1._domainkey.example.org")],
    ),
    "the DKIM key is gone": (
        instead((DKIM_RECORD, lost(DKIM_RECORD))),
        [("dkim_key", "k1._domainkey.example.org")],
    ),
    "the SPF record is gone": (
        instead((SPF_RECORD, lost(SPF_RECORD))),
        [("spf_record", "example.org")],
    ),
    "the SPF record allows others": (
        instead((SPF_RECORD, replace(SPF_RECORD, texts=("v=spf1 -all",)))),
        [("spf_record", "example.org")],
    ),
    "there are two SPF records": (
        instead((SPF_RECORD, replace(SPF_RECORD, texts=(*SPF_RECORD.texts, "v=spf1 ~all")))),
        [("spf_record", "example.org")],
    ),
    "the end of a long SPF record changed": (
        instead((SPF_RECORD, records(RecordKind.SPF, "example.org", ["v=spf1 " + "x" * 600]))),
        [("spf_record", "example.org")],
    ),
    "the DMARC policy is reject": (
        instead((DMARC_RECORD, replace(DMARC_RECORD, texts=("v=DMARC1; p=reject",)))),
        [("dmarc_record", "_dmarc.example.org")],
    ),
    "the DMARC record is gone": (
        instead((DMARC_RECORD, lost(DMARC_RECORD))),
        [("dmarc_record", "_dmarc.example.org")],
    ),
    "SPF fails": (
        instead((RESULTS[0], SenderCheck("spf", "example.org", "softfail", "", ""))),
        [("authentication", "SPF (own check)")],
    ),
    "the spam score rose": (
        instead((SCORE, SpamScore("rspamd", 9.5))),
        [("spam_score", "rspamd")],
    ),
    "it was filed as spam": (
        instead((ARRIVAL, replace(ARRIVAL, folder="Junk", junk=True))),
        [("folder", "")],
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_planted_cause_is_named_and_nothing_else(cause: str) -> None:
    now, expected = CAUSES[cause]
    assert named(changes(now)) == expected


def test_two_causes_are_both_named() -> None:
    now = instead(
        (EXCHANGERS, exchangers((MX1, 10))),
        (SCORE, SpamScore("rspamd", 9.5)),
        (SPF_RECORD, lost(SPF_RECORD)),
    )
    assert named(changes(now)) == [MX_OF, ("spf_record", "example.org"), ("spam_score", "rspamd")]


def test_what_did_not_change_is_named_as_such() -> None:
    found = changes((EXCHANGERS, SERVER))
    assert found.changes == ()
    assert found.unchanged == (
        "the exchangers of example.net",
        f"the addresses of {MX1}",
        f"the name that {MX1} gives itself",
        f"our address as {MX1} sees it",
    )
    assert (found.good_trip, found.good_trip_at) == ("good0", 1000.0)


def test_a_trip_is_compared_only_with_what_both_know() -> None:
    assert changes(GOOD, (EXCHANGERS,)).unchanged == ("the exchangers of example.net",)
    assert compare(circumstances_of(GOOD), []) is None


def test_one_of_many_is_compared_after_five_good_trips_that_agree() -> None:
    now = instead((CERTIFICATE, replace(CERTIFICATE, fingerprint="ef" * 32)))
    assert named(changes(now, *[GOOD] * 4)) == []
    assert named(changes(now, *[GOOD] * 5)) == [SEND_CERTIFICATE]


@pytest.mark.parametrize("servers", [2, 3, 4, 6, 8, 12, 20, 100])
def test_a_server_of_many_that_was_not_met_yet_is_hardly_ever_named(servers: int) -> None:
    """A name that stands for so many servers, in the trips of a day."""
    chance, aspect, wrong = Random(1), Aspect(What.SERVER_NAME, MX1), 0
    for _ in range(1000):
        *before, now = (
            {aspect: frozenset({str(chance.randrange(servers))})} for _ in range(GOOD_TRIPS + 1)
        )
        found = compare(now, [GoodTrip("", 0.0, one) for one in before])
        assert found
        wrong += bool(found.changes)
    assert wrong <= 5


def test_records_are_compared_after_one_good_trip() -> None:
    now = instead((SPF_RECORD, lost(SPF_RECORD)))
    assert named(changes(now, GOOD)) == [("spf_record", "example.org")]


def test_after_a_change_in_a_good_trip_it_is_not_named_again() -> None:
    renewed = instead((CERTIFICATE, replace(CERTIFICATE, fingerprint="ef" * 32)))
    assert named(changes(renewed, renewed, *[GOOD] * 9)) == []


def test_servers_of_which_every_trip_shows_others_are_compared_by_their_domains() -> None:
    def by(name: str) -> Sequence[Fact]:
        return instead((WAY[2], replace(WAY[2], by=name)))

    before = [by(f"am{number}pr01.prod.example.com") for number in range(8)]
    assert named(changes(by("am99pr01.prod.example.com"), *before)) == []
    elsewhere = changes(by("relay.elsewhere.example"), *before)
    assert named(elsewhere) == [("networks", "")]
    assert elsewhere.changes[0].new == ("elsewhere.example",)


def test_a_trip_whose_message_never_came_says_nothing_about_hops() -> None:
    assert named(changes((EXCHANGERS, SERVER, CERTIFICATE))) == []


@pytest.mark.parametrize(("score", "rose"), [(1.9, False), (2.2, False), (2.3, True), (-5, False)])
def test_a_spam_score_may_vary(score: float, rose: bool) -> None:
    now = instead((SCORE, SpamScore("rspamd", score)))
    before = [instead((SCORE, SpamScore("rspamd", one))) for one in (1.0, 1.2, 0.8, 1.0, 1.0)]
    assert named(changes(now, *before)) == ([("spam_score", "rspamd")] if rose else [])


def test_what_servers_send_is_bounded() -> None:
    many = [SpamScore(f"scanner{number}", 1.0) for number in range(100)]
    worse = [replace(one, score=9.0) for one in many]
    found = changes(worse, *[many] * 5)
    assert len(found.changes) == MOST_CHANGES
    hosts = exchangers(*((f"mx{number}.example.net", 10) for number in range(20)))
    shown = changes((hosts,), (EXCHANGERS,)).changes[0].after
    assert len(shown) == 9
    assert shown[-1] == "and 12 more"


def hostile(seed: int) -> list[Fact]:
    """As much as a trip may meet, all of it different in each trip."""
    hosts = [f"{number}{'x' * 50}.example.net" for number in range(20)]
    found: list[Fact] = [exchangers(*((host, seed) for host in hosts))]
    for host in hosts[:10]:
        addresses = tuple(f"198.51.{seed}.{number}" for number in range(20))
        found += [replace(SERVER, host=host, addresses=addresses, calls_itself=f"{seed}{host}")]
        found += [replace(CERTIFICATE, host=host, issuer="y" * 190, fingerprint=f"{seed:064x}")]
    found += [replace(WAY[0], by=f"{seed}{host}") for host in hosts[:15]]
    for kind in (RecordKind.SPF, RecordKind.DMARC, RecordKind.DKIM):
        texts = [f"{seed}{number}{'z' * 400}" for number in range(20)]
        found += [records(kind, f"{number}._domainkey.a", texts) for number in range(4)]
    return [*found, ARRIVAL]


def test_the_worst_that_others_can_send_takes_a_few_milliseconds() -> None:
    before, now = [good(hostile(seed)) for seed in range(GOOD_TRIPS)], hostile(99)
    seen = circumstances_of(now)
    assert quickest(lambda: circumstances_of(now)) < 0.01
    assert quickest(lambda: compare(seen, before)) < 0.01


def test_records_that_differ_behind_their_cut_differ() -> None:
    one, two = ("v=spf1 " + "x" * MAX_TEXT + end for end in "ab")
    assert records(RecordKind.SPF, "a", [one]) != records(RecordKind.SPF, "a", [two])


ALTERNATIVES = (
    SERVER,
    replace(SERVER, addresses=("198.51.100.1",)),
    replace(SERVER, addresses=("198.51.100.3",), calls_itself="b.example.net"),
)
VARIANTS: tuple[Sequence[Fact], ...] = (
    GOOD,
    instead((SERVER, ALTERNATIVES[1]), (CERTIFICATE, replace(CERTIFICATE, fingerprint="b" * 64))),
    instead((SERVER, ALTERNATIVES[2]), (WAY[2], replace(WAY[2], by="store2.example.net"))),
    instead((WAY[1], replace(WAY[1], by=MX2)), (EXCHANGERS, exchangers((MX2, 10), (MX1, 10)))),
    instead(
        (LEFT_FROM, replace(LEFT_FROM, address="192.0.2.8")),
        (WAY[1], replace(WAY[1], address="192.0.2.8", helo="out2.example.org")),
        (SCORE, SpamScore("rspamd", 3.4)),
        (DKIM_RECORD, NEW_KEY),
    ),
)


@given(st.lists(st.sampled_from(range(5)), min_size=1, max_size=GOOD_TRIPS), st.data())
def test_what_was_seen_before_is_never_named(order: list[int], data: st.DataObject) -> None:
    """Each aspect by itself: the trip has only what one of the good trips had."""
    before = [good(VARIANTS[place], -number) for number, place in enumerate(order)]
    aspects = {aspect for one in before for aspect in one.circumstances}
    now = {}
    for aspect in sorted(aspects):
        seen = [one.circumstances[aspect] for one in before if aspect in one.circumstances]
        now[aspect] = data.draw(st.sampled_from(seen))
    found = compare(now, before)
    assert found is not None
    assert found.changes == ()


@given(st.lists(st.sampled_from(range(5)), min_size=2, max_size=GOOD_TRIPS))
def test_parts_that_alternate_by_themselves_are_never_named(order: list[int]) -> None:
    """A set of hops that is new only as a set: each of its servers was seen before."""
    hops = ["a1 b1", "a2 b1", "a1 b2", "a2 b2", "a1 b1 c"]
    aspect = Aspect(What.HOPS)
    before = [
        GoodTrip(str(number), 0.0, {aspect: frozenset(hops[place].split())})
        for number, place in enumerate(order)
    ]
    seen = sorted(frozenset().union(*(one.circumstances[aspect] for one in before)))
    always = frozenset.intersection(*(one.circumstances[aspect] for one in before))
    found = compare({aspect: always | frozenset(seen[:1])}, before)
    assert found is not None
    assert found.changes == ()


def test_the_order_of_records_means_nothing() -> None:
    turned = exchangers((MX2, 20), (MX1, 10))
    assert named(changes(instead((EXCHANGERS, turned)))) == []


def test_another_exchanger_of_the_same_domain_means_nothing() -> None:
    other = replace(SERVER, host=MX2, addresses=("198.51.100.9",), calls_itself=MX2)
    theirs = replace(CERTIFICATE, host=MX2, fingerprint="99" * 32)
    assert named(changes(instead((SERVER, other), (CERTIFICATE, theirs)))) == []


def test_the_client_of_our_own_receiver_is_known_without_a_header() -> None:
    client = Client("192.0.2.7", "mail.example.org", "")
    found = circumstances_of((client,))
    assert found[Aspect(What.LEFT_FROM)] == {"192.0.2.7"}
    assert found[Aspect(What.EHLO_NAME)] == {"mail.example.org"}
