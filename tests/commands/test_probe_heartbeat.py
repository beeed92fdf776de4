"""`mailtrip probe` of a heartbeat: when the last one came, without waiting for the next."""

from pathlib import Path

import pytest

from exporter.commands.probe import one_trip
from exporter.core.heartbeat import Beat, Watch
from exporter.core.model import Outcome, ProbeKey, ProbeRefused
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.terminal import as_text, result
from tests.support.heartbeat_rig import HOUR, report
from tests.support.maildir_rig import Maildir
from tests.support.ports import free_port

CONFIGURATION = """
state: {{dir: {directory}/state}}
mailboxes:
  reports: {{maildir: {{path: {directory}/Maildir}}}}
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [a@mon.example]}}}}
modules:
  fetched: {{heartbeat: {{mailbox: reports, from: "backup@*", every: 26h}}}}
  received: {{heartbeat: {{mailbox: own, from: "backup@*", every: 26h}}}}
probes:
  - {{name: fetched, module: fetched}}
  - {{name: received, module: received}}
"""
FETCHED, RECEIVED = ProbeKey("fetched", "reports"), ProbeKey("received", "own")


def settings(directory: Path) -> Settings:
    text = CONFIGURATION.format(directory=directory, port=free_port())
    return Settings.parse(text.encode(), "mailtrip.yml")


async def known(directory: Path, key: ProbeKey, *, hours: float) -> None:
    """`mailtrip serve` has looked for two days; the last one came so many hours ago."""
    now = Clock().wall()
    heartbeat = settings(directory).modules[key.module].heartbeat
    assert heartbeat
    last = Beat(now - hours * HOUR, "backup@host.example", "Nightly backup finished")
    store = Store.open(directory / "state")
    await store.keep_heartbeat(
        heartbeat.key(key.target), Watch(now - 48 * HOUR, now - 60, last=last)
    )
    await store.close()


def shown(outcome: Outcome) -> str:
    return as_text(outcome, result)


async def test_it_looks_into_the_mailbox_once(tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "Maildir")
    outcome = await one_trip(settings(tmp_path), FETCHED, quiet=True)
    assert outcome.success
    assert "OK: no heartbeat is due yet" in shown(outcome)
    maildir.deliver(report(), second=int(Clock().wall()))
    outcome = await one_trip(settings(tmp_path), FETCHED, quiet=True)
    text = shown(outcome)
    assert "OK: the heartbeat is on time" in text
    assert "UTC from backup@host.example: Nightly backup finished, in INBOX" in text
    assert "one must come every 1 d 2 h" in text


async def test_it_knows_what_serve_knows(tmp_path: Path) -> None:
    Maildir(tmp_path / "Maildir")
    await known(tmp_path, FETCHED, hours=30)
    outcome = await one_trip(settings(tmp_path), FETCHED, quiet=True)
    assert outcome.failure
    assert outcome.failure.reason is Reason.MISSING
    assert "deliver: missing: the last one came 1 d 6 h ago" in shown(outcome)


@pytest.mark.parametrize(("hours", "success"), [(20.0, True), (30.0, False)])
async def test_of_the_smtp_receiver_it_shows_what_serve_has_seen_and_does_not_listen(
    hours: float, success: bool, tmp_path: Path
) -> None:
    await known(tmp_path, RECEIVED, hours=hours)
    outcome = await one_trip(settings(tmp_path), RECEIVED, quiet=True)
    assert outcome.success is success
    assert outcome.heartbeat
    assert outcome.heartbeat.sender == "backup@host.example"
    assert "next one due by" in shown(outcome)


async def test_nothing_is_known_of_a_receiver_without_serve(tmp_path: Path) -> None:
    with pytest.raises(ProbeRefused, match="only `mailtrip serve` can see what comes"):
        await one_trip(settings(tmp_path), RECEIVED, quiet=True)
