"""What a restart does to messages under way, in virtual time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.facts import Arrival, LateArrival
from exporter.core.model import Failure, Outcome, ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.durations import in_units
from exporter.core.trace.trace import Trace
from exporter.mail.tokens import new_key
from exporter.mailboxes.session import Sighting
from exporter.state.history import summary_of
from exporter.state.store import Store
from exporter.state.thinning import FAILURES
from exporter.state.trip import State
from tests.support import virtual_time as virtual
from tests.support.embedded import embedded
from tests.support.pauses import at_once
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.prober_rig import TIMEOUT, ProberRig


def test_a_restart_goes_on_with_the_trips_in_flight(tmp_path: Path) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 100
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        assert first.store is not None

        await asyncio.sleep(10)
        second = ProberRig(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        assert trip.state is State.SENT
        second.prober.resume(second.probe, trip)
        await second.prober.scrape(second.probe, 100)
        assert second.sender.sent == []  # it is not sent again
        assert second.probe.newest is not None
        assert second.probe.newest.trip == trip.id
        (arrival,) = (fact for fact in second.probe.newest.facts if isinstance(fact, Arrival))
        assert arrival.delay == pytest.approx(100, rel=0.05)
        assert arrival.round_trip == pytest.approx(101, rel=0.05)
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


def test_a_message_that_came_during_a_restart_is_a_success_without_an_invented_delay(
    tmp_path: Path,
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 55
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        await asyncio.sleep(10)
        second = ProberRig(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        await second.prober.scrape(second.probe, 100)
        assert second.probe.newest is not None
        assert second.probe.newest.success
        assert second.series()["mailtrip_delivery_delay_seconds_count"] == 0
        await second.close()

    virtual.run(course())


def test_late_mail_is_recognised_after_a_restart(tmp_path: Path) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 3600
        assert not (await first.trip()).success
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await asyncio.sleep(3600)
        series = second.series()
        assert series["mailtrip_late_total"] == 1
        assert series["mailtrip_last_delivery_delay_seconds"] == pytest.approx(3600, rel=0.05)
        await second.close()

    virtual.run(course())


RECEIVED = (
    b"Received: from relay.example.org (relay.example.org [192.0.2.7]) by mx.example.net"
    b" with ESMTP id 1; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
)


@pytest.mark.parametrize("whole", [True, False])
def test_a_trip_tells_of_its_message_that_came_late_also_after_a_restart(
    tmp_path: Path, whole: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Also if only its verdict was still kept."""

    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = None
        await first.trip()  # the first failed one of a day is kept whole
        first.sender.delay = seconds = 3600 if whole else 40_000
        first.sender.on_the_way = lambda raw: RECEIVED + raw
        overdue = await first.trip()
        accepted_at = overdue.started_at + 1
        if not whole:
            first.sender.delay = None
            for _ in range(FAILURES):
                await first.trip()
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        second.ledger.recover()
        await asyncio.sleep(seconds)
        assert second.mailbox.messages == {}
        await second.close()
        third = Store.open(tmp_path, threaded=False)
        told = await third.outcome(overdue.trip)
        await third.close()
        assert told
        (late,) = [fact for fact in told.facts if isinstance(fact, LateArrival)]
        kept = overdue if whole else overdue.brief
        assert told == replace(kept, facts=(*kept.facts, late))
        assert late.delay is not None
        assert late.delay == pytest.approx(seconds, rel=0.05)
        assert late.at == pytest.approx(accepted_at + late.delay, abs=0.1)
        assert late.folder == "INBOX"
        assert [(hop.by, hop.address) for hop in late.hops] == [("mx.example.net", "192.0.2.7")]
        assert late.headers[0].startswith("Received: from relay.example.org")
        (line,) = [one.getMessage() for one in caplog.records if "arrived late" in one.getMessage()]
        assert line == (
            f"trip {overdue.trip} of {overdue.probe}: the message arrived late,"
            f" {in_units(late.delay)} after it was accepted, by way of mx.example.net"
        )

    virtual.run(course())


def test_a_late_copy_after_the_first_adds_nothing_to_its_trip(tmp_path: Path) -> None:
    async def course() -> None:
        rig = ProberRig(tmp_path)
        rig.sender.delay, rig.sender.copies = 3600, 2
        overdue = await rig.trip()
        await asyncio.sleep(3600)
        assert rig.series()["mailtrip_late_total"] == 1
        assert rig.series()["mailtrip_duplicates_total"] == 1
        told = await rig.store.outcome(overdue.trip)
        assert told
        assert [type(fact) for fact in told.facts].count(LateArrival) == 1
        await rig.close()

    virtual.run(course())


def test_a_trip_that_was_killed_before_its_message_was_accepted_is_void(tmp_path: Path) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.prober.start(first.probe)
        await asyncio.sleep(0.6)
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await second.close()

    virtual.run(course())


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_long_absence_the_mailbox_is_looked_into_before_a_trip_is_overdue(
    tmp_path: Path, arrives: bool
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 100 if arrives else None
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        await asyncio.sleep(5 * TIMEOUT)
        second = ProberRig(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        (flight,) = second.probe.flights.values()
        assert (await flight).success is arrives
        assert second.series()["mailtrip_late_total"] == 0
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


class Stubborn(PretendMailbox):
    """Deletes nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_delete = asyncio.Event()

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> PretendSession:
        await super().open(trace, wanted)
        return StubbornSession(self, trace)


class StubbornSession(PretendSession):
    def __init__(self, mailbox: Stubborn, trace: Trace) -> None:
        super().__init__(mailbox, trace)
        self._may_delete = mailbox.may_delete

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        await self._may_delete.wait()
        await super().delete(sightings)


async def stopped_while_deleting(
    directory: Path, *, junk: bool = False, uncertain: bool = False
) -> Stubborn:
    """A trip whose message is back, and which was stopped before it knew that the message was
    deleted."""
    mailbox = Stubborn()
    mailbox.junk = junk
    rig = ProberRig(directory, mailbox)
    rig.sender.uncertain = uncertain
    rig.prober.start(rig.probe)
    while [trip.state for trip in rig.store.unsettled()] != [State.FOUND]:
        await asyncio.sleep(0.05)
    await rig.close()
    mailbox.may_delete.set()
    return mailbox


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize("restarts", [0, 5])
def test_a_message_that_was_back_before_the_restart_is_one_success_whether_it_was_deleted_or_not(
    tmp_path: Path, gone: bool, restarts: int
) -> None:
    async def course() -> None:
        mailbox = await stopped_while_deleting(tmp_path)
        if gone:
            mailbox.messages.clear()
        mailbox.may_delete.clear()
        for seconds in range(restarts):  # each too short to find out
            rig = resumed(ProberRig(tmp_path, mailbox))
            await asyncio.sleep(seconds)
            await rig.close()
        mailbox.may_delete.set()
        rig = resumed(ProberRig(tmp_path, mailbox))
        resumed_at = rig.clock.monotonic()
        (flight,) = rig.probe.flights.values()
        assert (await flight).success
        assert rig.clock.monotonic() - resumed_at < TIMEOUT / 2
        await asyncio.sleep(2 * TIMEOUT)
        series = rig.series()
        assert series["mailtrip_trips_total"] == 1
        assert series["mailtrip_delivery_delay_seconds_count"] == 1
        assert series["mailtrip_last_delivery_delay_seconds"] == pytest.approx(5, rel=0.05)
        assert series["mailtrip_duplicates_total"] == series["mailtrip_late_total"] == 0
        assert mailbox.messages == {}
        await rig.close()
        last = ProberRig(tmp_path, mailbox)
        assert last.ledger.recover() == []
        await last.close()

    virtual.run(course())


def resumed(rig: ProberRig) -> ProberRig:
    for trip in rig.ledger.recover():
        rig.prober.resume(rig.probe, trip)
    return rig


def test_the_verdict_of_a_message_that_was_back_before_the_restart_stands(tmp_path: Path) -> None:
    async def course() -> None:
        mailbox = await stopped_while_deleting(tmp_path, junk=True)
        mailbox.messages.clear()
        rig = resumed(ProberRig(tmp_path, mailbox))
        (flight,) = rig.probe.flights.values()
        assert str((await flight).failure) == "verify: junk: found before a restart"
        assert rig.series()["mailtrip_junk_total"] == 1
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize(("junk", "before"), [(False, False), (True, True)])
def test_after_a_restart_the_transcript_of_a_failed_trip_is_kept_and_that_of_a_good_one_begins(
    tmp_path: Path, junk: bool, before: bool
) -> None:
    async def course() -> None:
        mailbox = await stopped_while_deleting(tmp_path, junk=junk)
        rig = resumed(ProberRig(tmp_path, mailbox))
        (flight,) = rig.probe.flights.values()
        lines = "\n".join((await flight).transcript)
        assert ("C: DATA" in lines, "C: EXPUNGE" in lines) == (before, not before)
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("uncertain", [False, True])
def test_a_message_that_could_not_be_looked_for_after_the_restart_is_no_duplicate_when_it_is_seen(
    tmp_path: Path, uncertain: bool
) -> None:
    async def course() -> None:
        mailbox = await stopped_while_deleting(tmp_path, uncertain=uncertain)
        mailbox.down = ProbeError(Reason.CONNECT, "connection refused")
        rig = resumed(ProberRig(tmp_path, mailbox))
        (flight,) = rig.probe.flights.values()
        assert (await flight).success
        mailbox.down = None
        await asyncio.sleep(60)
        await rig.trip()
        await asyncio.sleep(10)
        assert rig.series()["mailtrip_duplicates_total"] == 0
        assert mailbox.messages == {}
        await rig.close()

    virtual.run(course())


def test_a_late_message_that_was_seen_before_the_restart_and_not_deleted_is_cleaned_away(
    tmp_path: Path,
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay = 2 * TIMEOUT
        await first.trip()
        await asyncio.sleep(2 * TIMEOUT)
        assert first.series()["mailtrip_late_total"] == 1
        await first.close()
        second = ProberRig(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        second.mailbox.deliver(first.sender.sent[0])  # as if it had not been deleted
        await second.trip()
        await asyncio.sleep(10)
        series = second.series()
        assert (
            series["mailtrip_late_total"]
            == series["mailtrip_duplicates_total"]
            == series["mailtrip_lost_total"]
            == 0
        )
        assert second.mailbox.messages == {}
        second.mailbox.deliver(first.sender.sent[0])
        await second.trip()
        await asyncio.sleep(10)
        assert second.series()["mailtrip_duplicates_total"] == 1
        await second.close()

    virtual.run(course())


async def test_the_last_success_is_told_after_a_restart_also_if_the_newest_trip_has_failed(
    tmp_path: Path,
) -> None:
    settings = embedded()
    (entry,) = settings.probes
    good = Outcome("t1", settings.key(entry.module, entry.target), 1000.0, 2.5)
    bad = replace(
        good, trip="t2", started_at=2000.0, failure=Failure(Phase.DELIVER, None, Reason.OVERDUE)
    )
    store = Store.open(tmp_path)
    store.finished(good)
    store.finished(bad)
    await store.close()
    app = App(settings, Store.open(tmp_path), new_key())
    app.recover()
    page = at_once(app.metrics.probe(good.probe)).decode()
    assert "mailtrip_last_success_timestamp_seconds 1002.5\n" in page
    assert "mailtrip_last_trip_timestamp_seconds 2002.5\n" in page
    assert "mailtrip_success 0.0\n" in page
    assert list(app.probes.get_or_create(good.probe).history) == [
        summary_of(good),
        summary_of(bad),
    ], "the page draws them"
    await app.store.close()
