"""Whole trips on real servers, through real proxies on the way out and on the way home."""

from pathlib import Path

import pytest

from exporter.app import App
from exporter.commands.preflight.attempts import attempts
from exporter.core.model import ProbeKey
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import LabUser
from tests.support.proxies import PASSWORD, USER, microsocks, tinyproxy

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  home:
    {kind}: {{host: {imap}, server_name: imap.lab.test, ca_file: {ca}, username: {user},
        password: labpass, proxy: "{mailbox}"}}
modules:
  trip:
    timeout: 30s
    session_timeout: 20s
    roundtrip:
      from: {user}@lab.test
      send:
        smtp: {{host: {relay}, port: 587, server_name: relay.lab.test, ca_file: {ca},
            username: {user}, password: labpass, proxy: "{sender}"}}
      mailbox: home
probes:
  - {{name: trip, module: trip, target: {user}@lab.test}}
"""


@pytest.mark.parametrize("kind", ["imap", "pop3"])
async def test_a_trip_goes_through_proxies_both_ways(
    lab_user: LabUser, tmp_path: Path, kind: str
) -> None:
    lab = lab_user.lab
    login = f"{USER}:{PASSWORD}@"
    with (
        microsocks(login=True) as socks,
        tinyproxy(tmp_path, f"BasicAuth {USER} {PASSWORD}") as http,
    ):
        text = CONFIGURATION.format(
            kind=kind,
            dns=lab.dns,
            imap=lab.imap_ip,
            relay=lab.relay_ip,
            ca=lab.ca,
            user=lab_user.name,
            mailbox=f"socks5://{login}{socks}",
            sender=f"http://{login}{http}",
        )
        settings = Settings.parse(text.encode(), "proxies.yml")
        async with App(settings, Store.open(tmp_path), new_key()) as app:
            key = ProbeKey("trip", lab_user.address)
            outcome = await app.prober.start(app.probes.get_or_create(key))
        assert outcome.success, outcome.failure
        tried = [attempt async for attempt in attempts(settings)]
    assert not any(attempt.failure for attempt in tried), tried
    notes = {span.note for span in outcome.spans if span.step is Step.CONNECT}
    home = {"imap": 993, "pop3": 995}[kind]
    assert notes == {
        f"{lab.relay_ip}:587 through the proxy http://{http}",
        f"{lab.imap_ip}:{home} through the proxy socks5://{socks}",
    }
    assert PASSWORD not in f"{outcome} {tried} {settings.shown()}"
    assert f"http://{USER}:<secret>@{http}" in settings.shown()
