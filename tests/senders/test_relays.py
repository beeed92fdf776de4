"""`host: "{target}"`: the target is the server, and each relay is watched on its own, by whole
trips."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from exporter.app import App
from exporter.core.model import Outcome, ProbeKey, ProbeRefused
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.support.pauses import at_once

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
modules:
  each-relay:
    timeout: 30s
    targets: ["*.lab.test"]
    roundtrip:
      from: probe@lab.test
      to: {user}@lab.test
      send: {{smtp: {{host: "{{target}}", port: 25, tls: starttls, ca_file: {ca}}}}}
      mailbox: theirs
"""


@pytest.fixture
async def app(lab: Lab, lab_user: LabUser) -> AsyncIterator[App]:
    values = {"dns": lab.dns, "ca": lab.ca, "password": lab.password, "user": lab_user.name}
    settings = Settings.parse(CONFIGURATION.format(**values).encode(), "relays.yml")
    async with App(settings, Store.open(None), new_key()) as app:
        yield app


async def watch(app: App, *relays: str) -> list[Outcome]:
    """A trip by each, at once."""
    probes = [app.probes.get_or_create(ProbeKey("each-relay", relay)) for relay in relays]
    return list(await asyncio.gather(*(app.prober.start(probe) for probe in probes)))


def shown(app: App, relay: str) -> str:
    text = at_once(app.metrics.probe(ProbeKey("each-relay", relay))).decode()
    (line,) = (line for line in text.splitlines() if line.startswith("probe_success "))
    return line.partition(" ")[2]


async def test_each_relay_has_its_own_verdict(app: App, lab: Lab, lab_user: LabUser) -> None:
    relay, mx = lab.relay_name, lab.mx_name
    by_relay, by_mx = await watch(app, relay, mx)
    assert (by_relay.failure, by_mx.failure) == (None, None)
    assert (shown(app, relay), shown(app, mx)) == ("1.0", "1.0")

    await asyncio.to_thread(lab.stop, "relay")
    by_relay, by_mx = await watch(app, relay, mx)
    assert str(by_relay.failure).startswith("send/connect: connect: ")
    assert by_mx.failure is None
    assert (shown(app, relay), shown(app, mx)) == ("0.0", "1.0")

    await asyncio.to_thread(lab.start, "relay")
    by_relay, by_mx = await watch(app, relay, mx)
    assert (by_relay.failure, by_mx.failure) == (None, None)
    assert lab_user.mails() == []


async def test_both_trips_go_by_their_own_server(app: App, lab: Lab) -> None:
    outcomes = await watch(app, lab.relay_name, lab.mx_name)
    for outcome, name in zip(outcomes, (lab.relay_name, lab.mx_name), strict=True):
        assert any(f"S: 220 {name} " in line for line in outcome.transcript)


async def test_a_target_that_is_no_host_is_refused(app: App) -> None:
    with pytest.raises(ProbeRefused, match=r"send\.smtp\.host would be 'not a\.lab\.test'"):
        app.probes.key("each-relay", "not a.lab.test")
