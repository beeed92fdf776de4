"""Ways that mail can go in the lab of real servers, each to its verdict."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.app import App
from exporter.core.facts import Arrival, LateArrival
from exporter.core.model import Outcome, ProbeKey, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.support.pauses import at_once

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon_ip}:2525", recipients: {recipients}}}}}
  imap: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: monitor, password: {password}}}}}
  pop3: {{pop3: {{host: imap.lab.test, ca_file: {ca}, username: monitor, password: {password}}}}}
  maildir: {{maildir: {{path: {maildir}}}}}
modules:
  relay: &relay
    timeout: {timeout}
    session_timeout: 4s
    targets: ["*@*"]
    roundtrip: &trip
      from: {sender}
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: theirs
  implicit:
    <<: *relay
    roundtrip:
      <<: *trip
      send: {{smtp: {{host: relay.lab.test, port: 465, ca_file: {ca}, username: probe,
          password: {password}}}}}
  forwarded: {{<<: *relay, roundtrip: {{<<: *trip, mailbox: own}}}}
  forwarded-imap: {{<<: *relay, roundtrip: {{<<: *trip, mailbox: imap}}}}
  forwarded-pop3: {{<<: *relay, roundtrip: {{<<: *trip, mailbox: pop3}}}}
  forwarded-maildir: {{<<: *relay, roundtrip: {{<<: *trip, mailbox: maildir}}}}
  local: {{<<: *relay, roundtrip: &local {{<<: *trip, send: {{sendmail: {{path: {sendmail}}}}}}}}}
  untouched: {{<<: *relay, roundtrip: {{<<: *local, mailbox: own}}}}
  exchanger: {{<<: *relay, roundtrip: {{<<: *trip, send: {{mx: {{source_address: {mon_ip},
      retry_after: 1s}}}}}}}}
"""
FOREIGN = b"From: boss@lab.test\r\nSubject: please read\r\n\r\nThis is nobody's business.\r\n"


@pytest.fixture
def travel(lab: Lab) -> Callable[..., "Travel"]:
    def start(
        user: LabUser,
        timeout: str = "20s",
        sender: str = "probe@lab.test",
        recipients: str = "[monitor@mon.test, probe@mon.test]",
    ) -> Travel:
        values = {
            "dns": lab.dns,
            "ca": lab.ca,
            "password": lab.password,
            "mon_ip": lab.mon_ip,
            "user": user.name,
        }
        values |= {"sendmail": lab.sendmail, "maildir": str(lab.user("monitor").maildir)}
        text = CONFIGURATION.format(timeout=timeout, sender=sender, recipients=recipients, **values)
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
    return await app.prober.start(app.probes.get_or_create(ProbeKey(module, target)))


def arrival(outcome: Outcome) -> Arrival:
    assert outcome.failure is None, outcome.failure
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    return fact


def steps_of_sending(outcome: Outcome) -> list[Step]:
    """In the order in which they began."""
    spans = sorted(outcome.spans, key=lambda span: span.start)
    return [span.step for span in spans if span.phase is Phase.SEND and span.step]


@pytest.mark.parametrize(
    ("recipient", "found_in"),
    [
        ("forward@lab.test", "header"),
        ("alias@lab.test", "header"),
        ("rewrite-full@lab.test", "subject"),
    ],
)
async def test_a_mailbox_that_may_not_be_opened_forwards_to_our_own_receiver(
    travel: Callable[..., Travel], lab_user: LabUser, recipient: str, found_in: str
) -> None:
    outcome = await travel(lab_user).one_trip("forwarded", recipient)
    assert arrival(outcome).found_in == found_in
    assert arrival(outcome).delay is not None


@pytest.mark.parametrize("kind", ["imap", "pop3", "maildir"])
@pytest.mark.parametrize(
    ("recipient", "found_in"),
    [("forward@lab.test", "header"), ("rewrite-full@lab.test", "subject")],
)
async def test_a_mailbox_may_forward_to_one_of_ours_of_any_kind(
    travel: Callable[..., Travel], lab: Lab, kind: str, recipient: str, found_in: str
) -> None:
    monitor = lab.user("monitor")
    await asyncio.to_thread(lab.send_mon_to, "dovecot")
    await asyncio.to_thread(monitor.purge)
    monitor.deliver(FOREIGN)
    before = monitor.mails()
    outcome = await travel(monitor).one_trip(f"forwarded-{kind}", recipient)
    assert arrival(outcome).found_in == found_in
    assert monitor.mails() == before


@pytest.mark.parametrize(("module", "tls_before_greeting"), [("relay", False), ("implicit", True)])
async def test_a_relay_is_logged_into_over_tls_alone(
    travel: Callable[..., Travel], lab_user: LabUser, module: str, tls_before_greeting: bool
) -> None:
    outcome = await travel(lab_user).one_trip(module, lab_user.address)
    assert arrival(outcome).found_in == "header"
    steps = steps_of_sending(outcome)
    assert (steps.index(Step.TLS) < steps.index(Step.GREETING)) is tls_before_greeting
    assert steps.index(Step.TLS) < steps.index(Step.AUTH)
    assert Leg.SEND in {fact.leg for fact in outcome.facts if isinstance(fact, TlsSession)}


async def test_the_local_sendmail_program_needs_no_server_of_ours(
    travel: Callable[..., Travel], lab_user: LabUser
) -> None:
    outcome = await travel(lab_user).one_trip("local", lab_user.address)
    assert arrival(outcome).found_in == "header"
    assert steps_of_sending(outcome) == [Step.PROGRAM]


async def test_nothing_of_theirs_is_touched(
    travel: Callable[..., Travel], lab: Lab, lab_user: LabUser
) -> None:
    """sendmail, the relay, their exchanger, their mailbox, its Sieve rule, their exchanger again,
    our receiver."""
    outcome = await travel(lab_user, sender="probe@mon.test").one_trip(
        "untouched", "forward@lab.test"
    )
    assert arrival(outcome).found_in == "header"
    assert steps_of_sending(outcome) == [Step.PROGRAM]
    assert {span.step for span in outcome.spans if span.phase is Phase.OPEN} == {None}
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: True}
    assert lab.user("forward").mails() == []


@pytest.mark.parametrize(
    ("recipient", "recipients", "code", "says"),
    [
        (
            "nobody@lab.test",
            "[monitor@mon.test, probe@mon.test]",
            "5.1.1",
            "relay.lab.test returned it: ",
        ),
        (
            "full@lab.test",
            "[monitor@mon.test, probe@mon.test]",
            "5.2.2",
            "mx1.lab.test returned it: ",
        ),
        (
            "alias@lab.test",
            "[probe@mon.test]",
            "5.1.1",
            "mx1.lab.test returned it for monitor@mon.test: ",
        ),
    ],
    ids=["unknown user", "full mailbox", "nobody there to forward to"],
)
async def test_a_bounce_comes_to_our_own_receiver(
    travel: Callable[..., Travel],
    lab_user: LabUser,
    recipient: str,
    recipients: str,
    code: str,
    says: str,
) -> None:
    journey = travel(lab_user, timeout="60s", sender="probe@mon.test", recipients=recipients)
    outcome = await journey.one_trip("untouched", recipient)
    assert outcome.failure is not None
    assert (outcome.failure.reason, outcome.failure.code) == ("bounced", code)
    assert outcome.failure.detail.startswith(says)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}


async def test_a_greylisting_exchanger_costs_no_trip(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    async with travel(lab.user("grey")).app() as app:
        outcome = await trip(app, "exchanger", "grey@lab.test")
        assert outcome.success
        text = at_once(app.metrics.probe(outcome.probe)).decode()
        assert "mailtrip_retries_total 0.0" not in text


async def test_junk_is_found_in_its_folder_and_fails(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    await asyncio.to_thread(lab.user("junk").purge)
    outcome = await travel(lab.user("junk")).one_trip("relay", "junk@lab.test")
    assert str(outcome.failure) == "verify: junk: filed as spam, in the folder Junk"
    assert lab.user("junk").mails() == []


async def test_both_copies_of_a_message_are_deleted(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    await asyncio.to_thread(lab.user("dup").purge)
    async with travel(lab.user("dup")).app() as app:
        outcome = await trip(app, "relay", "dup@lab.test")
        assert outcome.success
        while lab.user("dup").mails():
            await asyncio.sleep(0.05)
        assert (
            "mailtrip_duplicates_total 0.0"
            not in at_once(app.metrics.probe(outcome.probe)).decode()
        )


@pytest.mark.parametrize("module", ["relay", "local"])
@pytest.mark.parametrize(
    ("recipient", "code", "reporter"),
    [("nobody@lab.test", "5.1.1", "relay.lab.test"), ("full@lab.test", "5.2.2", "mx1.lab.test")],
)
async def test_a_bounce_fails_the_trip_long_before_its_timeout(
    travel: Callable[..., Travel],
    lab_user: LabUser,
    module: str,
    recipient: str,
    code: str,
    reporter: str,
) -> None:
    outcome = await travel(lab_user, timeout="60s", sender=lab_user.address).one_trip(
        module, recipient
    )
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == ("deliver", "bounced")
    assert outcome.failure.code == code
    assert outcome.failure.detail.startswith(f"{reporter} returned it: ")
    assert outcome.duration < 30
    assert lab_user.mails() == []


@pytest.mark.parametrize("module", ["relay", "local"])
async def test_a_message_that_disappears_is_overdue_and_no_fault_of_the_sending(
    travel: Callable[..., Travel], lab_user: LabUser, module: str
) -> None:
    outcome = await travel(lab_user, timeout="5s").one_trip(module, "blackhole@lab.test")
    assert str(outcome.failure).startswith("deliver: overdue: sent, but not seen in mailbox theirs")
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}


async def test_time_that_a_server_takes_is_delay_of_the_delivery(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    await asyncio.to_thread(lab.user("slow2").purge)
    outcome = await travel(lab.user("slow2")).one_trip("local", "slow2@lab.test")
    assert (arrival(outcome).delay or 0) > 1.9


async def test_late_mail_is_counted_timed_and_deleted(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    await asyncio.to_thread(lab.user("slow8").purge)
    async with travel(lab.user("slow8"), timeout="5s").app() as app:
        outcome = await trip(app, "relay", "slow8@lab.test")
        assert outcome.failure is not None
        assert outcome.failure.reason == "overdue"
        while "mailtrip_late_total 1.0" not in (
            text := at_once(app.metrics.probe(outcome.probe)).decode()
        ):
            await asyncio.sleep(0.05)
        (delay,) = (
            line.split()[1]
            for line in text.splitlines()
            if line.startswith("mailtrip_last_delivery_delay")
        )
        assert float(delay) == pytest.approx(8, rel=0.1)
        while lab.user("slow8").mails():
            await asyncio.sleep(0.05)
        told = await app.store.outcome(outcome.trip)
    assert told
    (late,) = [fact for fact in told.facts if isinstance(fact, LateArrival)]
    assert told == replace(outcome, facts=(*outcome.facts, late))
    assert late.delay == pytest.approx(8, rel=0.1)
    assert late.at == pytest.approx(outcome.started_at + 8, abs=2)
    assert late.folder == "INBOX"
    assert "relay.lab.test" in [hop.by for hop in late.hops]
    assert any(line.startswith("Received: ") for line in late.headers)
    assert any(line.startswith("Subject: ") for line in late.headers)


async def test_stopping_imap_in_mid_wait_costs_no_trip(
    travel: Callable[..., Travel], lab: Lab
) -> None:
    async with travel(lab.user("slow8"), timeout="40s").app() as app:
        flight = app.prober.start(app.probes.get_or_create(ProbeKey("relay", "slow8@lab.test")))
        while app.watchers["theirs"].statistics.messages is None:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(lab.stop, "imap")
        assert not app.watchers["theirs"].statistics.connected
        await asyncio.to_thread(lab.start, "imap")
        assert (await flight).success
        assert app.watchers["theirs"].statistics.reconnects >= 1
