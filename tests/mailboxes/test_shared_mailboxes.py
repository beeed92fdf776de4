"""Several exporters on one mailbox: with keys of their own, with one key, and after one has
died."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import Mint
from exporter.mailboxes.watcher.strays import MOST_POSTPONED
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.support import virtual_time as virtual
from tests.support.pauses import at_once
from tests.support.prober_rig import ProberRig
from tests.support.watcher_rig import message

HOUR = 3600.0
KEY, OTHER_KEY = b"k" * 32, b"x" * 32


def test_a_message_whose_owner_died_is_deleted_after_an_hour_also_by_one_that_was_started_since(
    tmp_path: Path,
) -> None:
    async def course() -> None:
        owner = ProberRig(tmp_path / "owner", key=KEY)
        owner.sender.delay = 100
        owner.prober.start(owner.probe)
        await asyncio.sleep(50)
        await owner.close()

        first = ProberRig(tmp_path / "partner", owner.mailbox, key=KEY)
        await beats(first, until=HOUR / 2)
        assert len(first.mailbox.messages) == 1
        await first.close()
        second = ProberRig(tmp_path / "partner", owner.mailbox, key=KEY)
        await beats(second, until=HOUR - 30)
        assert len(second.mailbox.messages) == 1
        await beats(second, until=HOUR + 600)
        assert second.mailbox.messages == {}
        assert second.watchers["monitor"].statistics.deleted > len(second.sender.sent)
        expect_nothing_odd(second)
        await second.close()

    virtual.run(course())


async def beats(rig: ProberRig, until: float) -> None:
    """A trip every five minutes until that moment; the last one is over then."""
    while rig.clock.monotonic() + 300 <= until:
        assert (await rig.trip()).success
        await asyncio.sleep(300 - rig.clock.monotonic() % 300)
    await asyncio.sleep(until - rig.clock.monotonic())


def expect_nothing_odd(rig: ProberRig) -> None:
    series = rig.series()
    for name in ("late", "lost", "duplicates", "bounces"):
        assert series[f"mailtrip_{name}_total"] == 0, name
    assert series["mailtrip_success"] == 1


@virtual.on_a(ProberRig)
async def test_leftovers_of_an_earlier_process_are_deleted_and_young_or_foreign_ones_stay(
    rig: ProberRig,
) -> None:
    ours, theirs = Mint(KEY), Mint(OTHER_KEY)
    old, young = virtual.BEGIN - HOUR - 1, virtual.BEGIN - HOUR + 60
    left = [
        rig.mailbox.deliver(message(ours.mint(moment))) for moment in (old, old - 40 * HOUR, young)
    ]
    foreign = [
        rig.mailbox.deliver(message(theirs.mint(moment)))
        for moment in (old, old - 400 * HOUR, young)
    ]
    assert (await rig.trip()).success
    await asyncio.sleep(10)
    assert set(rig.mailbox.messages) == {left[2], *foreign}
    assert rig.watchers["monitor"].statistics.deleted == 3
    for _ in range(20):
        await asyncio.sleep(HOUR)
        await rig.trip()
    await asyncio.sleep(10)
    assert set(rig.mailbox.messages) == {*foreign}
    expect_nothing_odd(rig)


@virtual.on_a(ProberRig)
async def test_only_so_many_messages_of_others_with_our_key_are_remembered(
    rig: ProberRig,
) -> None:
    mint, too_many = Mint(KEY), 5
    for _ in range(MOST_POSTPONED + too_many):
        rig.mailbox.deliver(message(mint.mint(virtual.BEGIN)))
    rig.sender.delay = None  # so that the mailbox is watched all the time, in one session
    await rig.trip()
    assert rig.mailbox.deleted == []
    await asyncio.sleep(HOUR)
    assert len(rig.mailbox.messages) == too_many
    assert rig.mailbox.opened == 1
    next_one = ProberRig(mailbox=rig.mailbox, key=KEY)
    assert (await next_one.trip()).success
    await asyncio.sleep(10)
    assert next_one.mailbox.messages == {}
    await next_one.close()


CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
modules:
  relay:
    timeout: 30s
    targets: ["*@lab.test"]
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}},
        mailbox: monitor}}
"""
Running = Callable[[bytes], AbstractAsyncContextManager[App]]


@pytest.fixture
def running(lab: Lab, lab_user: LabUser) -> Running:
    """Call it with a key: an exporter that awaits mail in the mailbox of `lab_user`."""
    values = {
        "dns": lab.dns,
        "ca": lab.ca,
        "password": lab.password,
        "relay": lab.relay_ip,
        "user": lab_user.name,
    }
    settings = Settings.parse(CONFIGURATION.format(**values).encode(), "sharing.yml")

    @asynccontextmanager
    async def app(key: bytes) -> AsyncIterator[App]:
        async with App(settings, Store.open(None), key) as app:
            yield app

    return app


async def trips(app: App, target: str) -> list[Outcome]:
    """Ten trips, of which some are always under way."""
    outcomes: list[Outcome] = []
    probe = app.probes.get_or_create(ProbeKey("relay", target))
    for _ in range(5):
        outcomes += await asyncio.gather(app.prober.start(probe), app.prober.start(probe))
    return outcomes


@pytest.mark.parametrize("keys", [(KEY, KEY), (KEY, OTHER_KEY)], ids=["one key", "two keys"])
async def test_two_exporters_on_one_mailbox_never_touch_each_others_messages(
    running: Running, lab_user: LabUser, keys: tuple[bytes, bytes]
) -> None:
    async with running(keys[0]) as one, running(keys[1]) as other:
        both = await asyncio.gather(trips(one, lab_user.address), trips(other, lab_user.address))
        assert [outcome.failure for outcomes in both for outcome in outcomes] == [None] * 20
        for app in (one, other):
            assert app.watchers["monitor"].statistics.deleted == 10
            text = at_once(app.metrics.probe(ProbeKey("relay", lab_user.address))).decode()
            assert "mailtrip_duplicates_total 0.0" in text
            assert "mailtrip_late_total 0.0" in text
        assert lab_user.mails() == []


async def test_leftovers_are_swept_and_those_of_another_instance_stay_as_they_are(
    running: Running, lab_user: LabUser
) -> None:
    ours, theirs = Mint(KEY), Mint(OTHER_KEY)
    async with running(KEY) as app:
        old, young = app.clock.wall() - HOUR - 1, app.clock.wall()
        for token in (theirs.mint(old), theirs.mint(young), ours.mint(young)):
            lab_user.deliver(message(token))
        before = lab_user.mails()
        lab_user.deliver(message(ours.mint(old)))
        assert (
            await app.prober.start(app.probes.get_or_create(ProbeKey("relay", lab_user.address)))
        ).success
        while app.watchers["monitor"].statistics.deleted < 2:
            await asyncio.sleep(0.02)
        assert app.watchers["monitor"].statistics.rejected.total() == 2
    assert lab_user.mails() == before  # flags included
