"""A heartbeat that comes to the SMTP receiver, in a whole mailtrip: over restarts and reloads."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from exporter.app import App
from exporter.core.heartbeat import HeartbeatKey
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.heartbeat_rig import HOUR, report
from tests.support.pauses import at_once
from tests.support.ports import free_port

CONFIGURATION = """
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [reports@mon.test]}}}}
modules:
  {module}: {{interval: 1h, heartbeat: {{mailbox: own, from: "{sender}", every: 26h}}}}
probes:
  - {{name: {name}, module: {module}}}
"""
KEY = ProbeKey("nightly", "own")
LAST = "mailtrip_heartbeat_last_timestamp_seconds"
TAKEN, REFUSED = 250, 550


class Ahead:
    """A wall clock that can be moved on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        real = Clock()
        self.clock = Clock(wall=lambda: real.wall() + self.seconds)


class HeartbeatWorld:
    """A receiver at one port, with one state. A probe that is not `named` is only asked for."""

    def __init__(self, directory: Path, *, named: bool = True) -> None:
        self.named = named
        self._directory = directory
        self.port = free_port()
        self.time = Ahead()

    def settings(
        self, *, sender: str = "backup@*", name: str = "nightly", module: str = "nightly"
    ) -> Settings:
        text = CONFIGURATION.format(port=self.port, sender=sender, name=name, module=module)
        text = text if self.named else text.partition("probes:")[0]
        return Settings.parse(text.encode(), "a.yml")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[App]:
        store = Store.open(self._directory)
        async with App(self.settings(), store, new_key(), clock=self.time.clock) as app:
            app.recover()
            async with asyncio.timeout(10):
                while not app.watchers["own"].connected_since:
                    await asyncio.sleep(0.01)
            yield app

    async def send(self, raw: bytes) -> int:
        return await asyncio.to_thread(self._send, raw)

    def _send(self, raw: bytes) -> int:
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="host.example") as client:
            client.ehlo()
            client.mail("root@host.example")
            client.rcpt("reports@mon.test")
            return client.data(raw)[0]


async def look(app: App) -> Outcome:
    return await app.prober.start(app.probes.get_or_create(KEY))


async def test_one_that_comes_between_two_looks_is_known_after_a_restart(tmp_path: Path) -> None:
    world = HeartbeatWorld(tmp_path)
    async with world.running() as app:
        assert (await look(app)).success
        sent = app.clock.wall()
        assert await world.send(report()) == TAKEN
        async with asyncio.timeout(5):
            while not app.heartbeats.of(HeartbeatKey("own", "backup@*", "*")).last:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
    world.time.seconds = 20 * HOUR
    async with world.running() as app:
        outcome = await look(app)
        assert outcome.heartbeat
        assert abs((outcome.heartbeat.last_at or 0.0) - sent) < 2
        assert (outcome.failure, outcome.legs) == (None, {Leg.MAILBOX: True})
        page = at_once(app.metrics.probe(KEY)).decode()
        assert LAST in page
        assert 'mailtrip_failures_total{phase="deliver",reason="missing"} 0.0' in page
        assert 'mailtrip_probe_info{mailbox="own",module="nightly",target="own"} 1.0' in page
        world.time.seconds = 70 * HOUR
        late = await look(app)  # the computer has slept
        assert late.failure is None
        for _ in range(28):
            world.time.seconds += HOUR
            late = await look(app)
        assert late.failure
        assert late.failure.reason is Reason.MISSING
        assert late.legs == {Leg.MAILBOX: True}
        assert await world.send(report()) == TAKEN
        assert (await look(app)).success


async def test_a_reload_accepts_what_is_awaited_now_and_nothing_else(tmp_path: Path) -> None:
    world = HeartbeatWorld(tmp_path)
    async with world.running() as app:
        other = report(by="job@host.example")
        assert [await world.send(one) for one in (report(), other)] == [TAKEN, REFUSED]
        await look(app)
        app.configure(world.settings(sender="job@*"))
        assert [await world.send(one) for one in (report(), other)] == [REFUSED, TAKEN]
        newer = (await look(app)).heartbeat
        assert newer
        assert newer.sender == "job@host.example"
        app.configure(world.settings(module="weekly", sender="weekly@*"))
        assert [await world.send(one) for one in (report(), other)] == [REFUSED, REFUSED]


async def test_a_probe_with_another_name_goes_on(tmp_path: Path) -> None:
    world = HeartbeatWorld(tmp_path)
    async with world.running() as app:
        assert await world.send(report()) == TAKEN
        before = (await look(app)).heartbeat
        app.configure(world.settings(name="renamed"))
        after = (await look(app)).heartbeat
        assert before
        assert after
        assert (after.last_at, after.since) == (before.last_at, before.since)


async def test_the_envelope_counts_too(tmp_path: Path) -> None:
    world = HeartbeatWorld(tmp_path)
    async with world.running() as app:
        app.configure(world.settings(sender="root@host.example"))
        assert await world.send(report()) == TAKEN


async def test_one_that_is_only_asked_for_is_awaited_from_the_start_on(tmp_path: Path) -> None:
    world = HeartbeatWorld(tmp_path, named=False)
    async with world.running() as app:
        assert await world.send(report()) == REFUSED
        await look(app)
        assert await world.send(report()) == TAKEN
    async with world.running():
        assert await world.send(report()) == TAKEN


LONG = b"It took two hours.\r\n" * 5000


async def test_of_a_long_one_the_envelope_counts_too_and_not_what_it_says_of_it(
    tmp_path: Path,
) -> None:
    world = HeartbeatWorld(tmp_path)
    async with world.running() as app:
        app.configure(world.settings(sender="root@host.example"))
        assert await world.send(report() + LONG) == TAKEN
        assert (await look(app)).heartbeat.last_at  # type: ignore[union-attr]
        app.configure(world.settings(sender="boss@host.example"))
        claimed = b"Return-Path: <boss@host.example>\r\n" + report()
        assert [await world.send(claimed + more) for more in (b"", LONG)] == [REFUSED, REFUSED]
