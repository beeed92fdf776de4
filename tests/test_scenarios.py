"""Ways that mail can go in the lab of real servers, each to its verdict."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from exporter.app import App
from exporter.model import Arrival, Outcome, ProbeKey
from exporter.settings import Settings
from exporter.store import Store
from exporter.tokens import new_key
from tests.lab.client import Lab, LabUser

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon_ip}:2525", recipients: [monitor@mon.test]}}}}
modules:
  relay: &relay
    timeout: {timeout}
    session_timeout: 4s
    targets: ["*@*"]
    roundtrip: &trip
      from: {sender}
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe, password: {password}}}}}
      mailbox: theirs
  forwarded: {{<<: *relay, roundtrip: {{<<: *trip, mailbox: own}}}}
  exchanger: {{<<: *relay, roundtrip: {{<<: *trip, send: {{mx: {{source_address: {mon_ip}, retry_after: 1s}}}}}}}}
"""


@pytest.fixture
def travel(lab: Lab) -> Callable[..., "Travel"]:
    def start(user: LabUser, timeout: str = "20s", sender: str = "probe@lab.test") -> Travel:
        values = {"dns": lab.dns, "ca": lab.ca, "password": lab.password, "mon_ip": lab.mon_ip, "user": user.name}
        text = CONFIGURATION.format(timeout=timeout, sender=sender, **values)
        return Travel(Settings.parse(text.encode(), "scenario.yml"))

    return start


class Travel:
    """Makes trips with the configuration above."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @asynccontextmanager
    async def app(self) -> AsyncIterator[App]:
        async with App(self.settings, Store.open(None), new_key()) as app:
            yield app

    async def one_trip(self, module: str, target: str) -> Outcome:
        async with self.app() as app:
            return await trip(app, module, target)


async def trip(app: App, module: str, target: str) -> Outcome:
    return await app.prober.start(app.probes.get(ProbeKey(module, target)))


def arrival(outcome: Outcome) -> Arrival:
    assert outcome.failure is None
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    return fact


@pytest.mark.parametrize(
    ("recipient", "found_in"),
    [("forward@lab.test", "header"), ("alias@lab.test", "header"), ("rewrite-full@lab.test", "subject")],
)
async def test_a_mailbox_that_may_not_be_opened_forwards_to_our_own_receiver(
    travel: Callable[..., Travel], lab_user: LabUser, recipient: str, found_in: str
) -> None:
    outcome = await travel(lab_user).one_trip("forwarded", recipient)
    assert arrival(outcome).found_in == found_in
    assert arrival(outcome).delay is not None


async def test_a_greylisting_exchanger_costs_no_trip(travel: Callable[..., Travel], lab: Lab) -> None:
    async with travel(lab.user("grey")).app() as app:
        outcome = await trip(app, "exchanger", "grey@lab.test")
        assert outcome.success
        text = app.metrics.probe(outcome.probe)[0].decode()
        assert "mailtrip_retries_total 0.0" not in text


async def test_junk_is_found_in_its_folder_and_fails(travel: Callable[..., Travel], lab: Lab) -> None:
    await asyncio.to_thread(lab.user("junk").purge)
    outcome = await travel(lab.user("junk")).one_trip("relay", "junk@lab.test")
    assert str(outcome.failure) == "verify: junk: it was filed as spam, in the folder Junk"
    assert lab.user("junk").mails() == []


async def test_both_copies_of_a_message_are_deleted(travel: Callable[..., Travel], lab: Lab) -> None:
    await asyncio.to_thread(lab.user("dup").purge)
    async with travel(lab.user("dup")).app() as app:
        outcome = await trip(app, "relay", "dup@lab.test")
        assert outcome.success
        while lab.user("dup").mails():
            await asyncio.sleep(0.05)
        assert "mailtrip_duplicates_total 0.0" not in app.metrics.probe(outcome.probe)[0].decode()


@pytest.mark.parametrize(
    ("recipient", "code", "reporter"),
    [("nobody@lab.test", "5.1.1", "relay.lab.test"), ("full@lab.test", "5.2.2", "mx1.lab.test")],
)
async def test_a_bounce_fails_the_trip_long_before_its_timeout(
    travel: Callable[..., Travel], lab_user: LabUser, recipient: str, code: str, reporter: str
) -> None:
    outcome = await travel(lab_user, timeout="60s", sender=lab_user.address).one_trip("relay", recipient)
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == ("deliver", "bounced")
    assert outcome.failure.code == code
    assert outcome.failure.detail.startswith(f"{reporter} returned it: ")
    assert outcome.duration < 30
    assert lab_user.mails() == []


async def test_a_message_that_disappears_is_overdue(travel: Callable[..., Travel], lab_user: LabUser) -> None:
    outcome = await travel(lab_user, timeout="5s").one_trip("relay", "blackhole@lab.test")
    assert str(outcome.failure).startswith("deliver: overdue: sent, but not seen in mailbox theirs")


async def test_late_mail_is_counted_timed_and_deleted(travel: Callable[..., Travel], lab: Lab) -> None:
    await asyncio.to_thread(lab.user("slow8").purge)
    async with travel(lab.user("slow8"), timeout="5s").app() as app:
        outcome = await trip(app, "relay", "slow8@lab.test")
        assert outcome.failure is not None
        assert outcome.failure.reason == "overdue"
        while "mailtrip_late_total 1.0" not in (text := app.metrics.probe(outcome.probe)[0].decode()):
            await asyncio.sleep(0.05)
        (delay,) = (line.split()[1] for line in text.splitlines() if line.startswith("mailtrip_last_delivery_delay"))
        assert float(delay) == pytest.approx(8, rel=0.1)
        while lab.user("slow8").mails():
            await asyncio.sleep(0.05)


async def test_stopping_imap_in_mid_wait_costs_no_trip(travel: Callable[..., Travel], lab: Lab) -> None:
    async with travel(lab.user("slow8"), timeout="40s").app() as app:
        flight = app.prober.start(app.probes.get(ProbeKey("relay", "slow8@lab.test")))
        while app.watchers["theirs"].statistics.messages is None:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(lab.stop, "imap")
        assert not app.watchers["theirs"].statistics.connected
        await asyncio.to_thread(lab.start, "imap")
        assert (await flight).success
        assert app.watchers["theirs"].statistics.reconnects >= 1
