"""What a module may want of its messages: their content, a gap between them, that they are
refused."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from exporter.app import App
from exporter.core.model import ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.commits import GATHER
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.support import virtual_time as virtual
from tests.support.prober_rig import TIMEOUT, ProberRig
from tests.support.tokens import tokens_in


@virtual.on_a(
    partial(ProberRig, size="20KiB", subject="Report {token} of today", headers={"X-Team": "mail"})
)
async def test_a_message_has_the_content_that_was_asked_for(rig: ProberRig) -> None:
    assert (await rig.trip()).success
    (raw,) = rig.sender.sent
    (word,) = tokens_in(raw)
    assert len(raw) >= 20 << 10
    assert f"\r\nSubject: Report {word} of today\r\n".encode() in raw
    assert b"\r\nX-Team: mail\r\n" in raw


@virtual.on_a(partial(ProberRig, size="200KiB"))
async def test_a_message_that_was_not_read_as_a_whole_is_not_called_altered(
    rig: ProberRig,
) -> None:
    rig.mailbox.read_limit = 65536
    assert (await rig.trip()).success


@virtual.on_a(ProberRig)
async def test_messages_to_one_destination_keep_their_gap_and_the_waiting_is_no_latency(
    rig: ProberRig,
) -> None:
    rig.sender.gap = 10
    outcomes = await asyncio.gather(*(rig.prober.start(rig.probe) for _ in range(4)))
    starts = sorted(
        span.start
        for o in outcomes
        for span in o.spans
        if span.phase is Phase.SEND and not span.step
    )
    assert [later - earlier for earlier, later in pairwise(starts)] == pytest.approx([10, 10, 10])
    assert all(outcome.success for outcome in outcomes)
    assert rig.series()["mailtrip_send_duration_seconds_sum"] == pytest.approx(
        4 * rig.sender.effort
    )


@virtual.on_a(ProberRig)
async def test_a_message_whose_turn_would_come_too_late_is_not_sent_and_says_why(
    rig: ProberRig,
) -> None:
    rig.sender.gap = TIMEOUT * 0.8
    outcomes = await asyncio.gather(*(rig.prober.start(rig.probe) for _ in range(3)))
    (failed,) = (outcome for outcome in outcomes if not outcome.success)
    assert (
        str(failed.failure)
        == "send: timeout: not sent: rate limit (`gap: 8m` to everywhere); the next slot is in"
        " 960 s, after this trip's timeout"
    )
    assert failed.duration < 1
    assert failed.legs[Leg.SEND] is False
    assert len(rig.sender.sent) == 2


REFUSED = partial(ProberRig, expect={"code": [554, 550]})


@virtual.on_a(REFUSED)
async def test_a_message_that_is_refused_as_expected_is_a_success(rig: ProberRig) -> None:
    rig.sender.refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.success
    assert outcome.legs == {Leg.SEND: True}
    series = rig.series()
    assert series["probe_success"] == 1
    assert (
        sum(value for name, value in series.items() if name.startswith("mailtrip_failures_total"))
        == 0
    )
    assert rig.mailbox.opened == 0
    await asyncio.sleep(GATHER)
    assert rig.store.unsettled() == []


@virtual.on_a(REFUSED)
async def test_a_message_that_is_taken_though_it_should_be_refused_is_the_failure(
    rig: ProberRig,
) -> None:
    outcome = await rig.trip()
    assert (
        str(outcome.failure)
        == "send: accepted: the message was accepted, but should have been refused with 550 or 554"
    )
    assert outcome.legs == {Leg.SEND: False}
    assert rig.series()['mailtrip_failures_total{phase="send",reason="accepted"}'] == 1
    await asyncio.sleep(100_000)
    rig.ledger.expire()
    assert rig.series()["mailtrip_lost_total"] == 0


@virtual.on_a(partial(ProberRig, expect={"code": 554}))
async def test_another_refusal_than_the_expected_one_stays_a_failure(rig: ProberRig) -> None:
    rig.sender.refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.reason, outcome.failure.code) == (Reason.REJECTED, "550")


@virtual.on_a(REFUSED)
async def test_when_nobody_knows_whether_it_was_taken_it_was_not_refused(rig: ProberRig) -> None:
    rig.sender.uncertain = True
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.SEND, Reason.DISCONNECTED)


CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  pop3: {{pop3: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  maildir: {{maildir: {{path: {maildir}}}}}
modules:
  closed:
    targets: ["*@lab.test"]
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: mx1.lab.test}}}},
        expect: {{code: 554}}}}
"""
MODULE = """
  {mailbox}:
    timeout: 30s
    targets: ["*@lab.test"]
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test}}}}
      mailbox: {mailbox}
      size: 200KiB
      subject: "Grüße aus Köln"
      headers: {{X-Team: "Poststelle Köln"}}
"""


def settings(user: LabUser) -> Settings:
    lab = user.lab
    values = {
        "dns": lab.dns,
        "ca": lab.ca,
        "password": lab.password,
        "user": user.name,
        "maildir": user.maildir,
    }
    text = CONFIGURATION.format(**values) + "".join(
        MODULE.format(mailbox=m) for m in ("imap", "pop3", "maildir")
    )
    return Settings.parse(text.encode(), "sending.yml")


@pytest.mark.parametrize("mailbox", ["imap", "pop3", "maildir"])
async def test_a_large_message_in_a_user_s_own_words_makes_the_trip(
    lab_user: LabUser, mailbox: str
) -> None:
    async with App(settings(lab_user), Store.open(None), new_key()) as app:
        outcome = await app.prober.start(
            app.probes.get_or_create(ProbeKey(mailbox, lab_user.address))
        )
        assert outcome.success, outcome.failure
        assert lab_user.mails() == []


@pytest.mark.parametrize(
    ("recipient", "verdict"), [("reject@lab.test", ""), ("blackhole@lab.test", "accepted")]
)
async def test_a_relay_that_must_refuse_is_judged_by_its_refusal(
    lab: Lab, recipient: str, verdict: str
) -> None:
    async with App(settings(lab.user("probe")), Store.open(None), new_key()) as app:
        outcome = await app.prober.start(app.probes.get_or_create(ProbeKey("closed", recipient)))
        assert (outcome.failure.reason if outcome.failure else "") == verdict
