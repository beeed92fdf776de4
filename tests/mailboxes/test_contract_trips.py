"""What every mailbox promises to a trip, through the watcher and with real tokens, tested against
the real thing."""

import asyncio
import contextlib

import pytest

from tests.support.left_behind import nothing_left_behind, until
from tests.support.mailbox_rig import FOREIGN, MailboxRig
from tests.support.mailbox_rigs import every
from tests.support.mailbox_trips import MailboxExporter, Trip, running
from tests.support.watcher_rig import message

MOMENTS = (0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.2, 0.6)  # seconds
WAY = 0.5  # seconds that a message is under way


@every()
async def test_a_trip_finds_its_message_and_deletes_it_and_no_other(rig: MailboxRig) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            await rig.deliver(trip.raw)
            found = await trip.returns()
            assert (found.token, found.found_in, found.sighting.watched) == (
                trip.token,
                "header",
                True,
            )
        statistics = exporter.watcher.statistics
        assert (statistics.deleted, statistics.reconnects, statistics.connected) == (1, 0, True)
    assert rig.kept() == before


@every()
@pytest.mark.slow
async def test_a_delay_is_told_as_exactly_as_the_mailbox_promises(rig: MailboxRig) -> None:
    """A busy machine may hold up one look, or two; not five."""
    async with running(rig) as exporter:
        for _ in range(5):
            async with exporter.trip() as trip:
                await asyncio.sleep(WAY)
                sent = exporter.clock.monotonic()
                await rig.deliver(trip.raw)
                there = exporter.clock.monotonic()
                found = await trip.returns()
            if trip.delay is not None and trip.run.accepted is not None:
                assert trip.delay >= sent - trip.run.accepted
                precision = found.sighting.precision
                if trip.delay - (there - trip.run.accepted) <= max(
                    precision.seconds, precision.share * trip.delay
                ):
                    return
    pytest.fail("no delay was told, or none that was right")


@every("keeps")
async def test_a_message_that_was_there_before_is_found_and_no_delay_is_invented(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        token = exporter.token()
        await rig.deliver(FOREIGN % b"theirs", message(token))
        async with exporter.trip(token) as trip:
            await trip.returns()
        assert trip.delay is None
    assert [b"theirs" in mail.content for mail in rig.kept() if mail not in before] == [True]


@every()
async def test_both_copies_of_a_message_are_deleted_and_the_first_counts(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            await rig.deliver(trip.raw, trip.raw)
            await trip.returns()
            await until(lambda: exporter.watcher.statistics.deleted == 2)
        assert exporter.counts.duplicates == 1
    assert rig.kept() == before


@every("has_junk")
async def test_a_second_copy_in_the_folder_for_junk_is_deleted_too(rig: MailboxRig) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            await rig.deliver(trip.raw)
            found = await trip.returns()
            # Later, or it may be seen first.
            await rig.deliver(trip.raw, FOREIGN % b"buy now", folder="Junk")
            await until(lambda: exporter.watcher.statistics.deleted == 2)
        assert not found.sighting.junk
        assert exporter.counts.duplicates == 1
    assert [
        (mail.folder, b"buy now" in mail.content) for mail in rig.kept() if mail not in before
    ] == [("Junk", True)]


@every("keeps")
async def test_a_trip_among_a_thousand_messages_of_others_touches_none(rig: MailboxRig) -> None:
    rig.fill(1000)
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            await rig.deliver(trip.raw)
            await trip.returns()
            await until(lambda: exporter.watcher.statistics.messages == len(before))
        assert exporter.counts.duplicates == 0
        assert not exporter.watcher.statistics.rejected
    assert rig.kept() == before


@every("can_be_cut")
@pytest.mark.slow
async def test_a_mailbox_that_was_away_costs_no_trip_and_no_delay_is_invented(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            await until(lambda: exporter.watcher.statistics.messages is not None)
            rig.cut()
            await until(lambda: exporter.watcher.trouble)
            assert not exporter.watcher.statistics.connected
            await rig.deliver(trip.raw)
            there = exporter.clock.monotonic()
            rig.mend()
            found = await trip.returns()
        assert exporter.watcher.statistics.connected
        assert exporter.watcher.statistics.reconnects >= 1
        if trip.delay is not None and trip.run.accepted is not None:
            assert trip.delay - (there - trip.run.accepted) <= found.sighting.precision.seconds
    assert rig.kept() == before


@every()
async def test_two_hundred_trips_share_one_session(rig: MailboxRig) -> None:
    before = rig.kept()
    waiting: list[Trip] = []

    async def one(exporter: MailboxExporter) -> None:
        async with exporter.trip() as trip:
            waiting.append(trip)
            await trip.returns()

    async with running(rig) as exporter:
        trips = asyncio.gather(*(one(exporter) for _ in range(200)))
        await until(lambda: len(waiting) == 200)
        await rig.deliver(*(trip.raw for trip in reversed(waiting)))
        await trips
        assert (exporter.counts.duplicates, exporter.watcher.statistics.deleted) == (0, 200)
        assert rig.wire is None or rig.wire.most == 1
        assert rig.wire is None or rig.wire.total == 1 or not rig.stays_connected
    assert rig.kept() == before


@every()
@pytest.mark.slow
async def test_a_trip_that_is_cancelled_leaves_no_task_and_no_socket(rig: MailboxRig) -> None:
    async def one(exporter: MailboxExporter) -> None:
        async with exporter.trip() as trip:
            await rig.deliver(trip.raw)
            await trip.returns()

    async with nothing_left_behind():
        for moment in MOMENTS:
            async with running(rig) as exporter:
                task = asyncio.create_task(one(exporter))
                await asyncio.sleep(moment)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
