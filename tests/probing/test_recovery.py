"""Very many trips that an earlier process began go on little by little, and no message of theirs is
taken for another's meanwhile."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from exporter.app import App
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock, boot_id
from exporter.mail.tokens import Mint, Token, new_key
from exporter.probing.outages import Outages
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.state.trip import State, Trip
from tests.support.maildir_rig import Maildir
from tests.support.watcher_rig import message

TRIPS = 100
CONFIGURATION = """
mailboxes: {{here: {{maildir: {{path: {path}}}}}}}
modules:
  plain:
    targets: ["*@example.net"]
    roundtrip: {{from: a@example.org, send: {{smtp: {{host: 192.0.2.1}}}}, mailbox: here}}
probes: [{{name: plain, module: plain, target: b@example.org}}]
"""
PROBE = ProbeKey("plain", "b@example.org")


class SlowClock:
    """While it is `slow`, time also goes by whenever somebody looks at it."""

    def __init__(self) -> None:
        self.slow = True
        self.late = 0.0

    def monotonic(self) -> float:
        if self.slow:
            self.late += 0.001
        return time.monotonic() + self.late


def sent(token: Token, clock: Clock) -> Trip:
    wall, now = clock.wall(), clock.monotonic()
    return Trip(
        *(token.trip, PROBE, "here", State.SENT, wall, boot_id(), now, wall + 3600),
        sending_since=now,
        accepted=now,
    )


async def with_trips(directory: Path, clock: Clock, mint: Mint) -> list[Token]:
    """A state that an earlier process has left."""
    store = Store.open(directory)
    tokens = [mint.mint(clock.wall()) for _ in range(TRIPS)]
    for token in tokens:
        trip = sent(token, clock)
        await store.record(trip)
        store.save_acceptance(trip, lambda _: None)
    await store.close()
    return tokens


async def test_of_very_many_trips_few_go_on_in_a_turn_and_all_before_a_mailbox_is_opened(
    tmp_path: Path,
) -> None:
    maildir, key = Maildir(tmp_path / "Maildir"), new_key()
    slow = SlowClock()
    clock = Clock(monotonic=slow.monotonic)
    tokens = await with_trips(tmp_path / "state", clock, Mint(key))
    settings = Settings.parse(CONFIGURATION.format(path=maildir.path).encode(), "test.yml")
    async with App(settings, Store.open(tmp_path / "state"), key, clock=clock) as app:
        maildir.deliver(message(tokens[-1]))  # of the one that goes on last
        app.recover()
        probe, before = app.probes.get_or_create(PROBE), 0
        while len(probe.flights) < TRIPS:
            assert app.watchers["here"].entering is None
            await asyncio.sleep(0)
            assert len(probe.flights) - before <= 5
            before = len(probe.flights)
        slow.slow = False  # deadlines are in the loop's time
        outcome = await probe.flights[tokens[-1].trip]
        assert outcome.success, outcome.failure
        text = (await app.metrics.everything()).decode()
        assert 'mailtrip_duplicates_total{probe="plain"} 0.0' in text


async def test_who_is_stopped_meanwhile_opens_no_mailbox(tmp_path: Path) -> None:
    maildir, key = Maildir(tmp_path / "Maildir"), new_key()
    clock = Clock(monotonic=SlowClock().monotonic)
    tokens = await with_trips(tmp_path / "state", clock, Mint(key))
    settings = Settings.parse(CONFIGURATION.format(path=maildir.path).encode(), "test.yml")
    async with App(settings, Store.open(tmp_path / "state"), key, clock=clock) as app:
        maildir.deliver(message(tokens[-1]))
        app.recover()
        await asyncio.sleep(0)
    assert len(maildir.files()) == 1
    store = Store.open(tmp_path / "state")
    assert {trip.state for trip in store.unsettled()} == {State.SENT}
    await store.close()


async def test_a_pair_that_was_forgotten_stays_so_after_a_restart(tmp_path: Path) -> None:
    """Its last result may be a failure of a year ago."""
    settings = Settings.parse(CONFIGURATION.format(path=tmp_path / "Maildir").encode(), "test.yml")
    scraped, left = ProbeKey("plain", "new@example.net"), ProbeKey("plain", "old@example.net")
    pending = ProbeKey("plain", "slow@example.net")
    failure = Failure(Phase.SEND, Step.CONNECT, Reason.CONNECT)
    stopped = time.time() - 86_400  # the earlier process
    store, token = Store.open(tmp_path / "state"), Mint(key := new_key()).mint(0)
    await store.record(replace(sent(token, Clock()), probe=pending))
    for number, (probe, ago) in enumerate(
        [(PROBE, 90_000), (left, 2000), (pending, 2000), (scraped, 300)]
    ):
        ended = Outcome(f"t{number}", probe, stopped - ago, 1.0, failure=failure)
        outages = Outages(probe)
        outages.add(ended, 0.0, 0.0)
        store.finished(ended)
        store.keep_unsettled(probe, outages.kept)
    await store.close()
    async with App(settings, Store.open(tmp_path / "state"), key) as app:
        app.recover()
        assert {probe.key for probe in app.probes} == {PROBE, scraped, pending}
        assert (known := app.probes.get(scraped))
        assert known.newest
        assert app.probes.get_or_create(left).outages.lasting, "it goes on if it is scraped again"
