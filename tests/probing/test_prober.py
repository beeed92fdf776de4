"""Whole trips through prober, ledger, watcher and metrics, in virtual time, over a pretended
mailbox and sender."""

import asyncio
from dataclasses import replace

import pytest

from exporter.checks.check import QueryCheck
from exporter.core.facts import Arrival
from exporter.core.model import ProbeError, ProbeKey, Reply
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from exporter.state.commits import GATHER
from tests.support import virtual_time as virtual
from tests.support.busy_check import BusyCheck
from tests.support.prober_rig import INTERVAL, TIMEOUT, ProberRig


@virtual.on_a(ProberRig)
async def test_a_good_trip_says_how_long_every_part_took(rig: ProberRig) -> None:
    outcome = await rig.trip()
    assert outcome.success
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: True}
    (arrival,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    assert arrival.delay == pytest.approx(5, rel=0.05)
    assert arrival.round_trip == pytest.approx(6, rel=0.05)
    assert rig.mailbox.messages == {}
    phases = [span.phase for span in outcome.spans if span.step is None]
    assert phases == list(Phase)
    series = rig.series()
    assert series["probe_success"] == 1
    assert series["mailtrip_trips_total"] == 1
    assert series["mailtrip_trips_in_flight"] == 0
    assert series["mailtrip_delivery_delay_seconds_count"] == 1
    assert series['mailtrip_delivery_delay_seconds_bucket{le="4.0"}'] == 0
    assert series['mailtrip_delivery_delay_seconds_bucket{le="15.0"}'] == 1
    assert series['mailtrip_smtp_step_duration_seconds_count{step="data"}'] == 1
    assert series["mailtrip_last_send_duration_seconds"] == pytest.approx(1)


@virtual.on_a(ProberRig)
async def test_a_refused_message_fails_at_once_with_place_reason_and_code(rig: ProberRig) -> None:
    rig.sender.refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert str(outcome.failure) == "send/data: rejected 550: refused"
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False}
    assert outcome.duration < 5
    series = rig.series()
    assert series["probe_success"] == 0
    assert series['mailtrip_failures_total{phase="send",reason="rejected"}'] == 1
    info = 'mailtrip_last_failure_info{code="550",phase="send",reason="rejected",step="data"}'
    assert series[info] == 1
    await asyncio.sleep(GATHER)
    assert rig.store.unsettled() == []
    rig.sender.refusal = None
    assert (await rig.trip()).success
    assert info not in rig.series()


@virtual.on_a(ProberRig)
async def test_a_message_that_was_perhaps_taken_is_never_sent_again_and_watched_for(
    rig: ProberRig,
) -> None:
    rig.sender.uncertain = True
    outcome = await rig.trip()
    assert outcome.success
    assert len(rig.sender.sent) == 1
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 0  # since when is unknown

    rig.sender.delay = None
    outcome = await rig.trip()
    assert str(outcome.failure) == "send/data: disconnected: cut after the final dot"
    assert outcome.duration == pytest.approx(TIMEOUT)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False}


@virtual.on_a(ProberRig)
async def test_late_is_not_lost(rig: ProberRig) -> None:
    rig.sender.delay = 3600
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.DELIVER, Reason.OVERDUE)
    assert outcome.duration == pytest.approx(TIMEOUT)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 0
    await asyncio.sleep(3600)
    series = rig.series()
    assert series["mailtrip_late_total"] == 1
    assert series["mailtrip_last_delivery_delay_seconds"] == pytest.approx(3600, rel=0.05)
    assert series["mailtrip_delivery_delay_seconds_count"] == 1
    assert series["mailtrip_lost_total"] == 0
    assert rig.mailbox.messages == {}


@virtual.on_a(ProberRig)
async def test_what_never_comes_is_lost(rig: ProberRig) -> None:
    rig.sender.delay, rig.sender.facts = None, (Reply(250, "2.0.0 Ok: queued as 4bX1yZ"),)
    await rig.trip()
    await asyncio.sleep(86_000)
    rig.ledger.expire()
    assert rig.series()["mailtrip_lost_total"] == 0
    await asyncio.sleep(1000)
    rig.ledger.expire()
    await asyncio.sleep(1)
    assert rig.series()["mailtrip_lost_total"] == 1
    name = 'mailtrip_accepted_message_info{queue="4bX1yZ",reason="lost",server=""}'
    assert rig.series()[name] == 1
    assert rig.mailbox.open_now == 0
    assert rig.store.unsettled() == []


@virtual.on_a(ProberRig)
async def test_of_two_copies_the_first_counts_and_both_are_deleted(rig: ProberRig) -> None:
    rig.sender.copies = 2
    assert (await rig.trip()).success
    rig.mailbox.deliver(rig.sender.sent[0])  # and a third, when nobody waits any more
    assert (await rig.trip()).success
    await asyncio.sleep(10)
    # The second trip's message came twice as well.
    assert rig.series()["mailtrip_duplicates_total"] == 3
    assert rig.mailbox.messages == {}


@virtual.on_a(ProberRig)
async def test_a_trip_s_message_in_another_mailbox_is_left_alone_until_the_trip_ends(
    rig: ProberRig,
) -> None:
    """Two mailboxes of a configuration may be one account, by IMAP and by POP3."""
    rig.sender.delay = None
    other = rig.sender_s_mailbox
    with rig.watchers["sender"].expect("another", Run(rig.clock, session_timeout=30)):
        flight = rig.prober.start(rig.probe)
        await asyncio.sleep(10)
        other.deliver(rig.sender.sent[0])
        await asyncio.sleep(60)
        assert len(other.messages) == 1
        rig.mailbox.deliver(rig.sender.sent[0])
        assert (await flight).success
        await asyncio.sleep(30)
    assert other.messages == rig.mailbox.messages == {}


@virtual.on_a(ProberRig)
async def test_a_message_that_nobody_knows_is_left_to_others_with_our_key_for_an_hour(
    rig: ProberRig,
) -> None:
    other = ProberRig(mailbox=rig.mailbox)  # its own store, but the same key and mailbox
    other.sender.delay = 100
    flight = other.prober.start(other.probe)
    await asyncio.sleep(99)
    rig.sender.delay = 60
    assert (await rig.trip()).success  # looks into the mailbox while the other's message comes
    assert (await flight).success
    assert (
        rig.series()["mailtrip_duplicates_total"]
        == other.series()["mailtrip_duplicates_total"]
        == 0
    )
    rig.mailbox.deliver(other.sender.sent[0])
    await rig.trip()
    assert len(rig.mailbox.messages) == 1
    await asyncio.sleep(3600)
    await rig.trip()
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}
    await other.close()


@virtual.on_a(ProberRig)
async def test_if_the_mailbox_is_closed_the_message_is_sent_all_the_same(rig: ProberRig) -> None:
    rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.step) == (Phase.OPEN, Step.CONNECT)
    assert outcome.failure.reason is Reason.AUTH
    assert outcome.legs == {Leg.MAILBOX: False, Leg.SEND: True}
    assert len(rig.sender.sent) == 1
    assert rig.series()["mailtrip_send_duration_seconds_count"] == 1
    rig.mailbox.down = None
    await asyncio.sleep(1000)
    assert (await rig.trip()).success
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}  # the first message was cleaned away
    assert rig.series()["mailtrip_late_total"] == 0


@virtual.on_a(ProberRig)
async def test_a_dead_mailbox_is_tried_for_session_timeout_and_told_by_its_last_error(
    rig: ProberRig,
) -> None:
    rig.mailbox.down = ProbeError(Reason.CONNECT, "connection refused")
    outcome = await rig.trip()
    assert str(outcome.failure) == "open/connect: connect: connection refused"
    attempts = [
        span for span in outcome.spans if (span.phase, span.step) == (Phase.OPEN, Step.CONNECT)
    ]
    assert 3 <= len(attempts) <= 10  # each of them can be seen
    assert {span.reason for span in attempts} == {Reason.CONNECT}
    assert outcome.duration == pytest.approx(31, abs=0.5)


@virtual.on_a(ProberRig)
async def test_a_mailbox_that_restarts_while_a_trip_begins_costs_no_trip(rig: ProberRig) -> None:
    rig.mailbox.down = ProbeError(Reason.CONNECT, "connection refused")
    asyncio.get_running_loop().call_later(5, setattr, rig.mailbox, "down", None)
    assert (await rig.trip()).success


@virtual.on_a(ProberRig)
async def test_any_number_of_scrapes_makes_one_trip_in_an_interval(rig: ProberRig) -> None:
    await asyncio.gather(*(rig.prober.scrape(rig.probe, 10) for _ in range(20)))
    assert rig.series()["probe_success"] == 1
    for _ in range(10):
        await asyncio.sleep(20)
        await rig.prober.scrape(rig.probe, 10)
    assert len(rig.sender.sent) == 1
    await asyncio.sleep(299.7 - rig.clock.monotonic())  # a scrape that comes a little early
    await rig.prober.scrape(rig.probe, 10)
    assert len(rig.sender.sent) == 2


@virtual.on_a(ProberRig)
async def test_a_scrape_waits_no_longer_than_it_is_told_and_does_not_disturb_the_trip(
    rig: ProberRig,
) -> None:
    rig.sender.delay = 100
    await rig.prober.scrape(rig.probe, 9.5)
    assert rig.clock.monotonic() == pytest.approx(9.5)
    series = rig.series()
    assert series["mailtrip_trips_in_flight"] == 1
    assert "probe_success" not in series
    await asyncio.sleep(100)
    assert rig.series()["probe_success"] == 1


@virtual.on_a(ProberRig)
async def test_trips_overlap_when_they_take_longer_than_the_interval(rig: ProberRig) -> None:
    rig.sender.delay = 450
    rig.prober.start_if_due(rig.probe)
    await asyncio.sleep(310)
    rig.prober.start_if_due(rig.probe)
    assert rig.series()["mailtrip_trips_in_flight"] == 2
    await asyncio.sleep(600)
    assert rig.series()["mailtrip_trips_total"] == 2
    assert rig.series()["mailtrip_success"] == 1


@virtual.on_a(ProberRig)
async def test_every_counter_exists_from_the_start(rig: ProberRig) -> None:
    series = rig.series()
    for name in ("late", "lost", "duplicates", "trips"):
        assert series[f"mailtrip_{name}_total"] == 0
    assert series['mailtrip_failures_total{phase="deliver",reason="overdue"}'] == 0
    assert series['mailtrip_smtp_step_duration_seconds_count{step="auth"}'] == 0
    assert "probe_success" not in series


class Questions(QueryCheck):
    """A check that only asks."""

    blocklists: tuple[str, ...] = ("bl.example.org",)

    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        self._seconds = seconds
        self._error = error

    async def run(self, run: Run) -> None:
        async with run.phase(Phase.VERIFY):
            await asyncio.sleep(self._seconds)
            if self._error:
                raise self._error


@virtual.on_a(ProberRig)
async def test_a_check_that_only_asks_is_timed_and_judged_and_nothing_of_it_is_pending(
    rig: ProberRig,
) -> None:
    rig.probe.check = Questions(3)
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(1)
    assert rig.store.unsettled() == []
    assert list(rig.probe.flights) != []
    outcome = await flight
    assert (outcome.success, outcome.legs) == (True, {})
    assert outcome.duration == pytest.approx(3)
    await asyncio.sleep(1)
    assert [known.outcome.trip for known in rig.store.last_known()] == [outcome.trip]
    assert rig.ledger.last_starts() == {}

    rig.probe.check = Questions(2 * TIMEOUT)
    assert (
        str((await rig.trip()).failure)
        == "verify: timeout: not finished within the module's timeout"
    )
    rig.probe.check = Questions(1, RuntimeError("a bug"))
    assert str((await rig.trip()).failure) == "verify: internal: RuntimeError: see the log"
    rig.probe.check = Questions(
        1, ProbeError(Reason.LISTED, "192.0.2.1 is listed on bl.example.org", code="127.0.0.2")
    )
    assert (await rig.trip()).legs == {}


@virtual.on_a(ProberRig)
async def test_a_trip_that_ends_while_it_waits_for_its_turn_has_failed_in_send(
    rig: ProberRig,
) -> None:
    rig.mailbox.down = ProbeError(Reason.CONNECT, "connection refused")  # which is got over
    rig.probe.timeout = 40
    rig.sender.gap = 40
    flights = [rig.prober.start(rig.probe) for _ in range(2)]
    outcomes = await asyncio.gather(*flights)
    assert {str(outcome.failure).partition(":")[0] for outcome in outcomes} <= {
        "send",
        "open/connect",
    }
    assert len(rig.sender.sent) == 1


def test_a_message_that_comes_after_we_were_starved_is_deleted_and_is_neither_late_nor_lost() -> (
    None
):
    async def course() -> None:
        rig = ProberRig(clock=replace(virtual.clock(), late=lambda since, until: until - since))
        rig.sender.delay = TIMEOUT + 100
        outcome = await rig.trip()
        assert outcome.failure is not None
        assert (outcome.failure.phase, outcome.failure.reason) == (Phase.DELIVER, Reason.STARVED)
        assert outcome.legs == {Leg.SEND: True}
        await asyncio.sleep(200)
        rig.sender.delay = 5
        assert (await rig.trip()).success
        await asyncio.sleep(90_000)
        rig.ledger.expire()
        series = rig.series()
        assert rig.mailbox.messages == {}
        assert series['mailtrip_failures_total{phase="deliver",reason="starved"}'] == 1
        for name in ("late", "lost", "duplicates"):
            assert series[f"mailtrip_{name}_total"] == 0
        assert series["mailtrip_delivery_delay_seconds_count"] == 0  # of neither trip
        await rig.close()

    virtual.run(course())


@virtual.on_a(ProberRig)
async def test_a_scrape_whose_trip_cannot_start_yet_is_answered_soon(rig: ProberRig) -> None:
    other = Probe(ProbeKey("busy", "other"), BusyCheck(), Schedule(INTERVAL), TIMEOUT, 30)
    rig.prober.start_if_due(other)  # so that the next has to wait for its turn

    async def computing() -> None:
        while True:
            virtual.stall(0.4)
            await asyncio.sleep(0)

    task = asyncio.create_task(computing())
    await rig.prober.scrape(rig.probe, 100)
    assert rig.clock.monotonic() < 2
    assert rig.sender.sent == []
    task.cancel()
    await rig.prober.scrape(rig.probe, 100)
    assert len(rig.sender.sent) == 1
    await rig.prober.abandon(other)
