"""A message through each exchanger, on real servers: what is wrong with each of them is named,
while mail arrives."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from exporter.app import App
from exporter.core.model import ExchangerVisit
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.lab.shell import wait_until
from tests.support.mailtrip_process import Exporter
from tests.support.name_server import name_server

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: {imap}, server_name: imap.lab.test, ca_file: {ca}, username: {user},
      password: {password}}}}}
modules:
  inbound:
    interval: 60s
    timeout: 30s
    session_timeout: 10s
    roundtrip:
      from: probe@mon.test
      send: {{mx: {{each: true, gap: 10ms, source_address: {mon_ip}}}}}
      mailbox: imap
probes:
  - {{name: inbound, module: inbound, target: {user}@lab.test}}
"""
DAY = 86400.0
Records = dict[str, dict[str, list[str]]]


def zone(lab: Lab) -> Records:
    """Two addresses, one of which is dead; and two exchangers with something amiss."""
    return {
        "lab.test": {"MX": ["10 mx1.lab.test.", "20 ending.lab.test.", "30 backup.lab.test."]},
        "mx1.lab.test": {"A": [lab.mx_ip, lab.dead_ip]},
        "ending.lab.test": {"A": [lab.ending_ip]},
        "backup.lab.test": {"A": [lab.backup_ip]},
    }


def configuration(lab: Lab, user: LabUser, dns: str) -> str:
    return CONFIGURATION.format(
        dns=dns,
        imap=lab.imap_ip,
        ca=lab.ca,
        user=user.name,
        password=lab.password,
        mon_ip=lab.mon_ip,
    )


@asynccontextmanager
async def app(lab: Lab, user: LabUser, records: Records) -> AsyncIterator[App]:
    async with name_server(records) as dns:
        settings = Settings.parse(configuration(lab, user, dns).encode(), "each.yml")
        async with App(settings, Store.open(None), new_key()) as made:
            yield made


async def visits(app: App) -> tuple[ExchangerVisit, ...]:
    """Those of a trip, which succeeds."""
    (probe,) = app.probes
    outcome = await app.prober.start(probe)
    assert outcome.success, outcome.failure
    (task,) = probe.visits.values()
    return await task


async def series(app: App, name: str) -> dict[str, float]:
    """The values by address."""
    page = bytes(await app.metrics.everything()).decode()
    lines = [line for line in page.splitlines() if line.startswith(f"{name}{{")]
    return {
        line.partition('address="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in lines
    }


async def test_three_faults_are_named_at_once_while_mail_arrives(
    lab: Lab, lab_user: LabUser
) -> None:
    async with app(lab, lab_user, zone(lab)) as made:
        told = {one.address: one for one in await visits(made)}
        assert [*told] == [lab.mx_ip, lab.dead_ip, lab.ending_ip, lab.backup_ip]
        good, dead, ending, backup = told.values()
        assert good.success
        assert dead.success is False
        assert dead.failure
        place = f"mx1.lab.test [{lab.dead_ip}]:25 (MX 10 of lab.test)"
        assert f"send/connect: connect: cannot connect to {place}" in str(dead.failure)
        assert ending.success
        assert ending.tls
        assert ending.tls.expires_at
        assert 9 * DAY < ending.tls.expires_at - time.time() < 11 * DAY
        assert backup.success is False
        assert backup.failure
        assert backup.failure.code == "550"
        assert "User unknown" in backup.failure.detail

        assert await series(made, "mailtrip_success") == {"": 1}
        assert await series(made, "mailtrip_exchanger_success") == {
            lab.mx_ip: 1,
            lab.dead_ip: 0,
            lab.ending_ip: 1,
            lab.backup_ip: 0,
        }
        name = "mailtrip_exchanger_certificate_expiry_timestamp_seconds"
        ends = await series(made, name)
        assert ends[lab.ending_ip] == ending.tls.expires_at
        assert ends[lab.mx_ip] - time.time() > 300 * DAY
        for counter in ("duplicates", "late", "lost", "unclear"):
            assert await series(made, f"mailtrip_{counter}_total") == {"": 0}
    assert lab_user.mails() == []


async def test_an_exchanger_that_appears_or_goes_needs_no_reload(
    lab: Lab, lab_user: LabUser
) -> None:
    records = zone(lab)
    async with app(lab, lab_user, records) as made:
        await visits(made)
        records["lab.test"]["MX"] = ["10 mx1.lab.test.", "15 new.lab.test."]
        records["mx1.lab.test"]["A"] = [lab.mx_ip]
        records["new.lab.test"] = {"A": [lab.ending_ip]}
        told = await visits(made)
        assert [(one.host, one.success) for one in told] == [
            ("mx1.lab.test", True),
            ("new.lab.test", True),
        ]
        shown = await series(made, "mailtrip_exchanger_success")
        assert shown == {lab.mx_ip: 1, lab.ending_ip: 1}
    assert lab_user.mails() == []


async def test_a_kill_in_the_middle_leaves_no_message_behind_and_counts_none(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    records = zone(lab)
    records["mx1.lab.test"] = {"A": [lab.mx_ip, lab.ending_ip]}
    lab.pause_delivery()
    async with name_server(records) as dns:
        text = configuration(lab, lab_user, dns).replace("interval: 60s", "interval: 1h")
        await asyncio.to_thread(_killed_and_started_again, lab, lab_user, text, tmp_path)


def _killed_and_started_again(lab: Lab, user: LabUser, text: str, directory: Path) -> None:
    first = Exporter(text, directory / "mailtrip")
    try:
        # Its own message is sent, the backup's is refused, the two others are in transit.
        in_transit = ["leaving", "leaving", "sent"]
        assert wait_until(lambda: sorted(first.trips()) == in_transit, 20, pause=0.02)
        time.sleep(1)
    finally:
        first.kill()
    lab.resume_delivery()
    user.wait_for_mails(3)
    second = Exporter(text, directory / "mailtrip")
    try:
        second.wait_for('mailtrip_success{probe="inbound"}')
        assert wait_until(lambda: not user.mails(), 20, pause=0.05)
        series = second.series()
        assert series['mailtrip_trips_total{probe="inbound"}'] == 1
        for name in ("duplicates", "late", "lost", "unclear"):
            assert series[f'mailtrip_{name}_total{{probe="inbound"}}'] == 0
        assert "leaving" not in second.trips()
    finally:
        second.kill()
