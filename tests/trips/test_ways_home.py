"""Trips whose message does not come back: an answer does, or a notification of its delivery. On
Postfix, and on Dovecot with Pigeonhole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time_ns

import pytest

from exporter.app import App
from exporter.core.facts import Answer, Arrival
from exporter.core.home import Home
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab import facts
from tests.lab.client import Lab, LabUser
from tests.support.left_behind import until

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon}:2525", recipients: [probe@mon.test, monitor@mon.test]}}}}
modules:
  answered: &answered
    timeout: 20s
    session_timeout: 8s
    targets: ["*@*"]
    roundtrip: &trip
      from: "{user}+{{trip}}@lab.test"
      send: {{smtp: &relay {{host: relay.lab.test, port: 25, tls: none}}}}
      mailbox: theirs
      home: reply
  answered-once: {{<<: *answered, timeout: 4s, session_timeout: 4s, roundtrip: {{<<: *trip, from: "{once}@lab.test"}}}}
  answered-here: {{<<: *answered, roundtrip: {{<<: *trip, mailbox: own, from: "probe+{{trip}}@mon.test"}}}}
  reported: {{<<: *answered, roundtrip: {{<<: *trip, home: delivery_status}}}}
  reported-here:
    <<: *answered
    roundtrip: {{<<: *trip, mailbox: own, from: "probe+{{trip}}@mon.test", home: delivery_status}}
  unable:
    <<: *answered
    roundtrip: {{<<: *trip, home: delivery_status, send: {{smtp: {{<<: *relay, host: "{hop}", port: 10025}}}}}}
"""  # noqa: E501


@asynccontextmanager
async def running(lab: Lab, user: LabUser) -> AsyncIterator[App]:
    values = {"dns": lab.dns, "ca": lab.ca, "mon": lab.mon_ip, "hop": facts.HOP_IP}
    values["once"] = f"{user.name}+{time_ns()}"  # whom nobody has answered, in an earlier run
    text = CONFIGURATION.format(user=user.name, password=lab.password, **values)
    async with App(Settings.parse(text.encode(), "h.yml"), Store.open(None), new_key()) as app:
        yield app


async def trip(app: App, module: str, target: str) -> Outcome:
    return await app.prober.start(app.probes.get_or_create(ProbeKey(module, target)))


def answer(outcome: Outcome) -> Answer:
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Answer))
    return fact


def arrival(outcome: Outcome) -> Arrival:
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    return fact


async def test_a_vacation_answers_each_trip_that_has_a_sender_of_its_own(
    lab: Lab, lab_user: LabUser
) -> None:
    """Sieve's vacation would answer one sender only once in seven days."""
    async with running(lab, lab_user) as app:
        outcomes = [await trip(app, "answered", "away@lab.test") for _ in range(2)]
    for outcome in outcomes:
        assert outcome.failure is None, outcome.failure
        assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: True}
        told = answer(outcome)
        assert told.home is Home.REPLY
        assert "away@lab.test" in told.sender
        assert told.there is not None
        assert told.error is not None
        delay = arrival(outcome).delay
        assert delay is not None
        assert told.back == pytest.approx(delay - told.there)
        assert told.error <= 0.5
    assert lab_user.mails() == []


async def test_without_one_only_the_first_trip_is_answered(lab: Lab, lab_user: LabUser) -> None:
    async with running(lab, lab_user) as app:
        first, second = [await trip(app, "answered-once", "away@lab.test") for _ in range(2)]
    assert first.failure is None
    assert second.failure is not None
    assert (second.failure.phase, second.failure.reason) == (Phase.DELIVER, Reason.OVERDUE)
    assert "no answer was seen" in second.failure.detail


async def test_an_answer_comes_to_our_own_receiver(lab: Lab, lab_user: LabUser) -> None:
    async with running(lab, lab_user) as app:
        outcome = await trip(app, "answered-here", "away@lab.test")
    assert outcome.failure is None, outcome.failure
    assert answer(outcome).there is not None


async def test_a_delivery_is_reported_though_no_mailbox_of_the_recipient_is_read(
    lab: Lab, lab_user: LabUser
) -> None:
    """Postfix reports it, since Dovecot is the last server (`lmtp_assume_final`)."""
    async with running(lab, lab_user) as app:
        outcome = await trip(app, "reported", lab_user.address)
        await until(lambda: not lab_user.mails())
    assert outcome.failure is None, outcome.failure
    told = answer(outcome)
    assert told.home is Home.DELIVERY_STATUS
    assert told.text.startswith("delivered by mx1.lab.test to ")
    assert told.there is not None


async def test_a_next_server_that_reports_nothing_is_told_apart_from_a_delivery(
    lab: Lab, lab_user: LabUser
) -> None:
    """mailtrip's own receiver does not offer DSN."""
    async with running(lab, lab_user) as app:
        outcome = await trip(app, "reported-here", "monitor@mon.test")
    failure = outcome.failure
    assert failure is not None
    assert (failure.phase, failure.reason, failure.code) == (
        Phase.VERIFY,
        Reason.PROTOCOL,
        "relayed",
    )
    assert "has relayed it" in failure.detail
    assert answer(outcome).text.startswith("relayed by ")


async def test_a_server_that_offers_no_notifications_fails_at_once(
    lab: Lab, lab_user: LabUser
) -> None:
    async with running(lab, lab_user) as app:
        outcome = await trip(app, "unable", lab_user.address)
    failure = outcome.failure
    assert failure is not None
    assert (failure.phase, failure.step, failure.reason) == (
        Phase.SEND,
        Step.MAIL,
        Reason.PROTOCOL,
    )
    assert "does not offer DSN" in failure.detail
