"""Whole trips that end in a POP3 mailbox: the watcher, a real Postfix, a real Dovecot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.app import App
from exporter.core.facts import Arrival
from exporter.core.model import ProbeKey
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import LabUser

FOREIGN = b"From: <a@lab.test>\r\nSubject: theirs\r\n\r\nHello.\r\n"

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{pop3: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
modules:
  plain:
    timeout: 60s
    targets: ["*@lab.test"]
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}},
        mailbox: monitor}}
"""


@asynccontextmanager
async def app_for(user: LabUser) -> AsyncIterator[App]:
    lab = user.lab
    values = {
        "dns": lab.dns,
        "ca": lab.ca,
        "user": user.name,
        "password": lab.password,
        "relay": lab.relay_ip,
    }
    async with App(
        Settings.parse(CONFIGURATION.format(**values).encode(), "test.yml"),
        Store.open(None),
        new_key(),
    ) as app:
        yield app


async def test_trips_that_wait_for_one_maildrop_share_its_logins(lab_user: LabUser) -> None:
    lab_user.deliver(FOREIGN)
    before = lab_user.mails()
    async with app_for(lab_user) as app:
        probe = app.probes.get_or_create(ProbeKey("plain", lab_user.address))
        for outcome in await asyncio.gather(*(app.prober.start(probe) for _ in range(20))):
            assert outcome.success, outcome.failure
            (arrival,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
            assert arrival.folder == "INBOX"
            assert arrival.found_in == "header"
        assert lab_user.mails() == before
        assert app.watchers["monitor"].statistics.reconnects == 0
