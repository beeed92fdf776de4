"""What becomes of a trip under way when its module, its mailbox or its probe is another one, or
gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.pauses import at_once
from tests.support.smtp_witness import Line, SmtpWitness, Stage, witness

KEY = ProbeKey("trip", "someone@example.org")


class Taken:
    """What the server does at the final dot: it keeps the message until somebody delivers it."""

    def __init__(self) -> None:
        self.raw = b""

    async def on(self, line: Line) -> bool:
        self.raw = bytes(line.wire).rpartition(b"DATA\r\n")[2].removesuffix(b".\r\n")
        return True


class Scene:
    """An App with one message under way to a Maildir."""

    def __init__(self, directory: Path, server: SmtpWitness, taken: Taken) -> None:
        self.taken = taken
        self.directory = directory
        self._port = server.port
        for box in ("old", "new"):
            for part in ("new", "cur", "tmp"):
                (directory / box / part).mkdir(parents=True)

    def settings(
        self,
        mailboxes: dict[str, str],
        awaited: str = "monitor",
        interval: str = "1h",
        probes: bool = True,
    ) -> Settings:
        send = {"smtp": {"host": "127.0.0.1", "port": self._port, "tls": "none"}}
        trip = {"from": "probe@example.org", "send": send, "mailbox": awaited}
        boxes = {
            name: {"maildir": {"path": str(self.directory / box)}}
            for name, box in mailboxes.items()
        }
        entry = {"name": "trip", "module": KEY.module, "target": KEY.target}
        modules = {
            KEY.module: {
                "interval": interval,
                "timeout": "20s",
                "session_timeout": "5s",
                "roundtrip": trip,
            }
        }
        whole = {"mailboxes": boxes, "modules": modules, "probes": [entry] if probes else []}
        return Settings.parse(yaml.safe_dump(whole).encode(), "test.yml")

    def deliver(self, box: str) -> None:
        (self.directory / box / "tmp/1.a").write_bytes(self.taken.raw)
        (self.directory / box / "tmp/1.a").rename(self.directory / box / "new/1.a")

    def left(self) -> list[Path]:
        return [file for part in ("new", "cur") for file in self.directory.glob(f"*/{part}/*")]


@asynccontextmanager
async def scene(tmp_path: Path) -> AsyncIterator[tuple[Scene, App, Awaitable[Outcome]]]:
    async with witness() as server:
        taken = Taken()
        server.always(Stage.DOT, taken)
        here = Scene(tmp_path, server, taken)
        async with App(here.settings({"monitor": "old"}), Store.open(None), new_key()) as app:
            sent = asyncio.Event()
            flight = app.prober.start(
                app.probes.get_or_create(KEY),
                lambda span: sent.set() if span.phase == "deliver" else None,
            )
            await sent.wait()
            yield here, app, flight


Change = Callable[[Scene], Settings]
CHANGES: dict[str, tuple[Change, str]] = {
    "nothing": (lambda s: s.settings({"monitor": "old"}), "old"),
    "the module": (lambda s: s.settings({"monitor": "old"}, interval="2h"), "old"),
    "the mailbox's options": (lambda s: s.settings({"monitor": "new"}), "new"),
    "the mailbox's name": (lambda s: s.settings({"renamed": "old"}, awaited="renamed"), "old"),
    "another mailbox in its place": (
        lambda s: s.settings({"other": "new"}, awaited="other"),
        "old",
    ),
    "the probe is gone": (lambda s: s.settings({"monitor": "old"}, probes=False), "old"),
    "the probe and the mailbox are gone": (
        lambda s: s.settings({"other": "new"}, "other", probes=False),
        "old",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_trip_in_flight_ends_well_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    change, box = CHANGES[what]
    async with scene(tmp_path) as (here, app, flight):
        app.configure(change(here))
        here.deliver(box)
        outcome = await flight
        assert outcome.success, outcome.failure
        assert here.left() == []
        page = at_once(app.metrics.everything()).decode()
        gone = "gone" in what
        assert ('mailtrip_trips_total{probe="trip"} 1.0' in page) is not gone
        assert ('probe="trip"' in page) is not gone
        assert 'mailtrip_duplicates_total{probe="trip"} 1.0' not in page
        assert [*app.watchers] == [*app.settings.mailboxes]
        assert all(f'mailbox="{name}"' in page for name in app.settings.mailboxes)
        assert ('mailbox="monitor"' in page) is ("monitor" in app.settings.mailboxes)


async def test_a_probe_that_comes_back_sends_no_second_message(tmp_path: Path) -> None:
    async with scene(tmp_path) as (here, app, flight):
        app.configure(here.settings({"monitor": "old"}, probes=False))
        app.configure(here.settings({"monitor": "old"}))
        app.prober.start_if_due(app.probes.get_or_create(KEY))
        assert not app.probes.get_or_create(KEY).flights
        here.deliver("old")
        assert (await flight).success
        page = at_once(app.metrics.everything()).decode()
        assert 'mailtrip_trips_in_flight{probe="trip"} 0.0' in page


async def test_the_session_of_an_unchanged_mailbox_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as (here, app, flight):
        watcher, entered = app.watchers["monitor"], app.watchers["monitor"]._opening
        app.configure(here.settings({"monitor": "old", "more": "new"}, interval="2h"))
        here.deliver("old")
        await flight
        assert app.watchers["monitor"] is watcher
        assert watcher._opening is entered is not None


async def test_the_session_of_a_mailbox_with_another_name_goes_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as (here, app, flight):
        watcher = app.watchers["monitor"]
        app.configure(here.settings({"renamed": "old"}, awaited="renamed"))
        assert app.watchers == {"renamed": watcher}
        here.deliver("old")
        assert (await flight).success
