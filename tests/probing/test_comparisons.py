"""A trip that fails, or goes another way, is compared with the good trips before it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.lookups import Lookups
from exporter.core.comparison.circumstances import Aspect, What, circumstances_of
from exporter.core.comparison.comparison import LEAST_SAMPLES
from exporter.core.comparison.words import failure_in_words, sentence
from exporter.core.dns_records import records
from exporter.core.facts import Changes, RecordKind
from exporter.core.model import Fact, Listing, ListState, Outcome, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint
from exporter.net.dns.resolver import Resolver
from exporter.probing.comparisons import MOST_WAITING, Comparisons
from exporter.probing.on_the_spot import OnTheSpot
from exporter.probing.prober import Prober
from exporter.state.good_trips import stored_good_trips
from tests.support.good_trip import EXCHANGERS, GOOD, LEFT_FROM, MX1, SERVER, SPF_RECORD, instead
from tests.support.name_server import name_server, names
from tests.support.prober_rig import KEY, ProberRig

LISTED = {"RCODE": ["NOERROR"], "A": ["127.0.0.2"], "TXT": ['"spam"']}
ZONE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "example.net": {"MX": ["10 mx1.example.net.", "20 mx2.example.net."]},
    "mx1.example.net": {"A": ["198.51.100.1", "198.51.100.2"]},
    "example.org": {"TXT": ['"v=spf1 ip4:192.0.2.0/24 -all"', '"other=1"']},
    "_dmarc.example.org": {"TXT": ['"v=DMARC1; p=none"']},
    "k1._domainkey.example.org": {"TXT": ['"v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0B"']},
    "2.0.0.127.bl.example": LISTED,
}
LIST = Blocklist("bl.example", _zone="bl.example")


class ComparisonsRig(ProberRig):
    """A prober whose sender teaches the facts of a trip, over a name server of a test."""

    def __init__(self, spot: OnTheSpot, directory: Path | None = None) -> None:
        super().__init__(directory, clock=Clock())
        self.comparisons = Comparisons(self.store, spot, self.clock)
        self.prober = Prober(
            Mint(b"k" * 32),
            self.ledger,
            self.metrics,
            self.clock,
            comparisons=self.comparisons,
        )
        self.mailbox.greeting, self.mailbox.pushes = 0.0, True
        self.sender.delay, self.sender.effort = 0.0, 0.0

    async def good(self, facts: Sequence[Fact] = GOOD) -> Outcome:
        return await self._trip(facts, None)

    async def bad(
        self, facts: Sequence[Fact] = (EXCHANGERS, SERVER), reason: Reason = Reason.REJECTED
    ) -> Outcome:
        return await self._trip(facts, reason)

    async def _trip(self, facts: Sequence[Fact], refusal: Reason | None) -> Outcome:
        self.sender.facts, self.sender.refusal = tuple(facts), refusal
        return await self.compared((await self.trip()).trip)

    async def compared(self, trip: str) -> Outcome:
        """What is kept of a trip, when all have been compared."""
        while self.comparisons._running:
            await asyncio.wait(self.comparisons._running)
        kept = await self.store.outcome(trip)
        assert kept
        return kept

    async def close(self) -> None:
        await self.comparisons.close()
        await super().close()


@asynccontextmanager
async def rig(
    zone: Mapping[str, Mapping[str, Sequence[str]]] = ZONE,
    lists: Callable[[], Sequence[Blocklist]] = list,
    checks: Callable[[], Sequence[Outcome]] = list,
    directory: Path | None = None,
    *,
    silent: bool = False,
) -> AsyncIterator[ComparisonsRig]:
    async with names(zone, silent=silent) as resolver:
        lookups = Lookups(Blocklists(resolver, Clock()), resolver, Clock(), 3.0)
        one = ComparisonsRig(OnTheSpot(resolver, lookups, lists, checks), directory)
        try:
            yield one
        finally:
            await one.close()


def found(outcome: Outcome) -> Changes | None:
    return next((fact for fact in outcome.facts if isinstance(fact, Changes)), None)


def named(outcome: Outcome) -> list[tuple[str, str]]:
    changes = found(outcome)
    assert changes
    return [(one.what, one.about) for one in changes.changes]


async def test_a_failure_says_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    async with rig({**ZONE, "example.org": {"TXT": ['"other=1"']}}) as one:
        for _ in range(3):
            good = await one.good()
        with caplog.at_level(logging.WARNING):
            bad = await one.bad()
    assert found(good) is None
    assert named(bad) == [("spf_record", "example.org")]
    changes = found(bad)
    assert changes
    assert changes.good_trip == good.trip
    assert "the exchangers of example.net" in changes.unchanged
    assert "SPF record of example.org: none instead of v=spf1 ip4:192.0.2.0/24" in sentence(changes)
    assert [line for line in caplog.messages if sentence(changes) in line]


async def test_a_failure_without_a_change_says_so() -> None:
    async with rig() as one:
        await one.good()
        bad = await one.bad()
    assert named(bad) == []
    assert "; nothing that was compared has changed since" in failure_in_words(bad)


@pytest.mark.slow
@pytest.mark.parametrize("host", [MX1, "relay.example.net"])
async def test_addresses_are_looked_up_where_trips_look(tmp_path: Path, host: str) -> None:
    """Those of exchangers in the DNS alone; those of other servers in the hosts file as well."""
    in_dns = ZONE[MX1]["A"]
    (hosts := tmp_path / "hosts").write_text(f"127.0.1.1 {host}\n")
    async with name_server({**ZONE, host: {"A": in_dns}}) as address:
        resolver = Resolver([address], hosts_file=hosts)
        lookups = Lookups(Blocklists(resolver, Clock()), resolver, Clock(), 3.0)
        spot = OnTheSpot(resolver, lookups, list, list)
        before = circumstances_of(instead((SERVER, replace(SERVER, host=host))))
        now = await spot.complete({}, before)
    expected = in_dns if host == MX1 else ["127.0.1.1"]
    assert now[Aspect(What.ADDRESSES, host)] == frozenset(expected)


@pytest.mark.slow
async def test_the_verdict_does_not_wait_for_it() -> None:
    async with rig(silent=True) as one:
        await one.good()
        one.sender.facts, one.sender.refusal = (EXCHANGERS,), Reason.REJECTED
        started = one.clock.monotonic()
        outcome = await one.trip()
        assert one.clock.monotonic() - started < 1
        assert found(outcome) is None
        assert outcome.duration < 1
        assert named(await one.compared(outcome.trip)) == []


async def test_later_failures_of_an_outage_repeat_it_at_once_and_ask_nobody() -> None:
    zone = {**ZONE, "_dmarc.example.org": {"TXT": ['"v=DMARC1; p=reject"']}}
    async with rig(zone) as one:
        await one.good()
        first = await one.bad()
        del zone["_dmarc.example.org"]
        second = await one.trip()
        assert found(second) == found(first)
        assert named(first) == [("dmarc_record", "_dmarc.example.org")]
        other = await one.bad(reason=Reason.DEFERRED)
        (change,) = found(other).changes  # type: ignore[union-attr]
        assert change.after == ()


async def test_a_good_trip_on_another_way_says_what_changed() -> None:
    moved = instead((EXCHANGERS, replace(EXCHANGERS, texts=("mx9.example.net (MX 10)",))))
    async with rig() as one:
        await one.good()
        there = await one.good(moved)
        again = await one.good(moved)
        back = await one.good()
    assert named(there) == [("exchangers", "example.net")]
    assert [found(again), found(back)] == [None, None]


@pytest.mark.slow
async def test_what_alternates_asks_the_state_once_in_an_hour() -> None:
    ways = [instead((SERVER, replace(SERVER, sees_us_as=f"192.0.2.{one}"))) for one in range(9)]
    async with rig() as one:
        for way in ways:
            assert found(await one.good(way)) is None
        assert one.probe.way.quiet_until > one.clock.monotonic()


@pytest.mark.parametrize(
    ("before", "expected", "listed"),
    [
        (None, [], ("bl.example",)),
        (ListState.CLEAN, [("blocklist", "127.0.0.2 on bl.example")], ()),
        (ListState.UNKNOWN, [], ("bl.example",)),
        (ListState.LISTED, [], ("bl.example",)),
    ],
)
async def test_the_leaving_address_is_looked_up_on_the_lists_of_the_configuration(
    before: ListState | None, expected: list[tuple[str, str]], listed: tuple[str, ...]
) -> None:
    way = instead((LEFT_FROM, replace(LEFT_FROM, address="127.0.0.2")))
    key = ProbeKey("reputation", "example.org")
    listing = Listing("bl.example", "127.0.0.2", before or ListState.CLEAN, since=1.0)
    checks = [Outcome("check", key, 0.0, 1.0, facts=(listing,))] if before else []
    async with rig(lists=lambda: [LIST], checks=lambda: checks) as one:
        await one.good(way)
        bad = await one.bad()
    assert named(bad) == expected
    changes = found(bad)
    assert changes
    assert changes.listed == listed


async def test_an_overload_or_a_bug_of_ours_is_not_compared() -> None:
    async with rig() as one:
        await one.good()
        assert found(await one.bad(reason=Reason.STARVED)) is None


@pytest.mark.slow
async def test_much_that_fails_at_once_does_not_pile_up() -> None:
    async with rig(silent=True) as one:
        await one.good()
        outcome = await one.bad()
        for _ in range(2 * MOST_WAITING):
            one.probe.way._failures = None
            one.comparisons.finished(one.probe, outcome)
        assert len(one.comparisons._waiting) <= MOST_WAITING


@pytest.mark.slow
async def test_good_trips_are_read_from_the_state_after_a_restart(tmp_path: Path) -> None:
    zone = {**ZONE, "example.org": {"TXT": ['"v=spf1 -all"']}}
    async with rig(directory=tmp_path) as one:
        for _ in range(40):
            good = await one.good()
    assert [trip.trip for trip in stored_good_trips(tmp_path, KEY, 10)][:1] == [good.trip]
    assert len(stored_good_trips(tmp_path, KEY, 5)) == 5
    assert stored_good_trips(tmp_path / "elsewhere", KEY, 10) == []
    async with rig(zone, directory=tmp_path) as one:
        assert named(await one.bad()) == [("spf_record", "example.org")]
    async with rig(zone, directory=tmp_path) as one:
        kept = await one.store.recent(KEY, 1)
        assert named(kept[0]) == [(What.SPF, SPF_RECORD.name)]


@pytest.mark.parametrize(
    ("signed_by", "others", "expected"),
    [
        ("K2._domainkey.example.org", (), [("dkim_selector", "example.org")]),
        ("k1._domainkey.example.org", (), []),
        ("k2._domainkey.example.net", (), []),
        ("k2._domainkey.example.org", ("relay",), []),
        ("", (), []),
    ],
    ids=["another", "the same", "another domain", "a relay signs too", "unsigned"],
)
async def test_the_selector_of_a_refused_message_is_ours(
    signed_by: str, others: Sequence[str], expected: list[tuple[str, str]]
) -> None:
    more = tuple(
        records(RecordKind.DKIM, f"{one}._domainkey.example.org", ["v=DKIM1; p="]) for one in others
    )
    zone = {f"{name}._domainkey.example.org": {"TXT": ['"v=DKIM1; p="']} for name in others}
    async with rig({**ZONE, **zone}) as one:
        for _ in range(LEAST_SAMPLES):
            await one.good(instead(more=more))
        one.probe.check.signed_by = signed_by
        bad = await one.bad()
    assert named(bad) == expected
