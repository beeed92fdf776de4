"""Filters that work and filters that have stopped, on rspamd, ClamAV and Postfix."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.app import App
from exporter.core.facts import Arrival, FilterTest, SpamScore
from exporter.core.model import Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab import facts
from tests.lab.client import Lab, LabUser
from tests.support.pauses import at_once

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: &imap {{host: imap.lab.test, ca_file: {ca}, username: {user},
      password: {password}}}}}
  sorted: {{imap: {{<<: *imap, username: sorted}}}}
  dropped: {{imap: {{<<: *imap, username: dropped}}}}
  victim: {{imap: {{<<: *imap, username: u0200}}}}
modules:
  spam-refused: &module
    timeout: 20s
    session_timeout: 8s
    targets: ["{user}@lab.test"]
    roundtrip: &trip
      from: probe@mon.test
      send: {{smtp: &door {{host: mx1.lab.test, tls: none, source_address: {mon}, ehlo_name: mx.mon.test}}}}
      mailbox: theirs
      payload: gtube
      expect: {{code: 554}}
  virus-refused: {{<<: *module, roundtrip: {{<<: *trip, payload: eicar}}}}
  attachment-refused: &attachment
    <<: *module
    roundtrip: {{<<: *trip, payload: blocked_attachment, expect: {{code: 550}}}}
  attachment-unchecked:
    <<: *attachment
    roundtrip: {{<<: *trip, payload: blocked_attachment, expect: {{code: 550}},
        send: {{smtp: {{<<: *door, port: 10027}}}}}}
  forgery-refused:
    <<: *module
    targets: [{victim}]
    roundtrip: {{<<: *trip, payload: forged_from, mailbox: victim}}
  virus-sorted:
    <<: *module
    targets: [sorted@lab.test]
    roundtrip: {{<<: *trip, payload: eicar, expect: {{junk: true}}, mailbox: sorted}}
  virus-dropped:
    <<: *module
    timeout: 9s
    targets: [dropped@lab.test]
    roundtrip: {{<<: *trip, payload: eicar, expect: {{lost: true}}, mailbox: dropped}}
  spam-dropped:
    <<: *module
    timeout: 9s
    roundtrip: {{<<: *trip, expect: {{lost: true}}, send: {{smtp: {{<<: *door, port: 10028}}}}}}
"""  # noqa: E501
TARGETS = {
    "forgery-refused": facts.VICTIM,
    "virus-sorted": "sorted@lab.test",
    "virus-dropped": "dropped@lab.test",
}
"""Of the modules that send to others than the test's own user."""


@asynccontextmanager
async def running(lab: Lab, user: LabUser) -> AsyncIterator[App]:
    values = {"dns": lab.dns, "ca": lab.ca, "mon": lab.mon_ip, "victim": facts.VICTIM}
    text = CONFIGURATION.format(user=user.name, password=lab.password, **values)
    async with App(Settings.parse(text.encode(), "f.yml"), Store.open(None), new_key()) as app:
        yield app


async def trip(app: App, module: str, user: LabUser) -> Outcome:
    key = app.probes.key(module, TARGETS.get(module, user.address))
    return await app.prober.start(app.probes.get_or_create(key))


def series(app: App, outcome: Outcome) -> dict[str, float]:
    text = at_once(app.metrics.probe(outcome.probe)).decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


REFUSED = {
    "spam-refused": "gtube",
    "virus-refused": "eicar",
    "attachment-refused": "blocked_attachment",
    "forgery-refused": "forged_from",
}


@pytest.mark.parametrize("module", REFUSED)
async def test_what_a_filter_refuses_is_a_success(lab: Lab, lab_user: LabUser, module: str) -> None:
    async with running(lab, lab_user) as app:
        outcome = await trip(app, module, lab_user)
    assert outcome.failure is None
    assert outcome.filter_test == FilterTest("code", REFUSED[module])
    assert not [fact for fact in outcome.facts if isinstance(fact, Arrival)]


async def test_what_a_filter_marks_and_sieve_sorts_is_a_success_in_the_junk_folder(
    lab: Lab, lab_user: LabUser
) -> None:
    async with running(lab, lab_user) as app:
        outcome = await trip(app, "virus-sorted", lab_user)
        shown = series(app, outcome)
    assert outcome.failure is None
    (arrival,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    assert (arrival.folder, arrival.junk) == ("Junk", True)
    assert SpamScore("rspamd", 20.0) in outcome.facts
    assert "mailtrip_junk_total" not in shown
    assert "mailtrip_delivery_delay_seconds_count" in shown
    assert not lab.user("sorted").mails()


@pytest.mark.parametrize("module", ["virus-dropped", "spam-dropped"])
async def test_what_is_dropped_is_a_success_after_the_timeout(
    lab: Lab, lab_user: LabUser, module: str
) -> None:
    async with running(lab, lab_user) as app:
        outcome = await trip(app, module, lab_user)
        shown = series(app, outcome)
    assert outcome.failure is None
    assert 8.8 < outcome.duration < 15
    assert all(outcome.legs.values())
    assert not [name for name in shown if name.startswith("mailtrip_delivery_delay")]


LET_THROUGH = [
    ("rspamd", "spam-refused", Phase.SEND, "gtube"),
    ("rspamd", "forgery-refused", Phase.SEND, "forged_from"),
    ("rspamd", "spam-dropped", Phase.VERIFY, "gtube"),
    ("clamd", "virus-refused", Phase.SEND, "eicar"),
    ("clamd", "virus-sorted", Phase.VERIFY, "eicar"),
    ("clamd", "virus-dropped", Phase.VERIFY, "eicar"),
    ("", "attachment-unchecked", Phase.SEND, "blocked_attachment"),
]


@pytest.mark.parametrize(("stopped", "module", "phase", "payload"), LET_THROUGH)
async def test_a_filter_that_has_stopped_is_a_failure_and_its_message_is_deleted(
    lab: Lab, lab_user: LabUser, stopped: str, module: str, phase: Phase, payload: str
) -> None:
    users = (lab_user, lab.user("sorted"), lab.user("dropped"), lab.user("u0200"))
    if stopped:
        await asyncio.to_thread(lab.stop, stopped)
    async with running(lab, lab_user) as app:
        outcome = await trip(app, module, lab_user)
        shown = series(app, outcome)
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (phase, Reason.ACCEPTED)
    assert outcome.failure.code == payload
    (arrival,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    assert arrival.folder == "INBOX"
    assert shown[f'mailtrip_failures_total{{phase="{phase}",reason="accepted"}}'] == 1
    assert not [mail for user in users for mail in user.mails()]
