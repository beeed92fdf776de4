"""Passwords, and what is in messages, stay out of the evidence, the state on the disk and the
log."""

import logging
from base64 import b64encode
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.model import ProbeError, ProbeKey
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.debug import debug_page
from tests.lab.client import LabUser
from tests.support import imap_rig
from tests.support.pop3_conversation import connected

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{{mailbox}: {{host: {imap}, tls: none, username: {user}, password: {password},
      auth: {mailbox_auth}}}}}
modules:
  submission:
    timeout: 60s
    targets: ["*@lab.test"]
    roundtrip:
      from: {user}@lab.test
      subject: Umbrella {{token}}
      send: {{smtp: {{host: {relay}, port: 587, ca_file: {ca}, username: {user},
          password: {password},
                    auth: {smtp_auth}}}}}
      mailbox: monitor
"""
FOREIGN = (
    b"From: x@lab.test\r\nSubject: private matters\r\nMessage-ID: <foreign@lab.test>\r\n\r\nsecret"
    b" rendezvous\r\n"
)
CONTENTS = [
    "private matters",
    "secret rendezvous",
    "foreign@lab.test",
    "Umbrella",
    "Auto-Submitted",
    "test message of mailtrip",
]


@pytest.mark.parametrize(
    ("mailbox", "mailbox_auth", "smtp_auth"),
    [
        ("imap", "login", "plain"),
        ("imap", "plain", "login"),
        ("pop3", "user", "cram-md5"),
        ("pop3", "plain", "plain"),
    ],
)
@pytest.mark.parametrize("right", [True, False])
async def test_no_password_and_no_message_is_told(
    lab_user: LabUser,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    mailbox: str,
    mailbox_auth: str,
    smtp_auth: str,
    right: bool,
) -> None:
    caplog.set_level(logging.DEBUG, logger="exporter")
    lab = lab_user.lab
    password = lab.password if right else "not/the+password"
    settings = Settings.parse(
        CONFIGURATION.format(
            dns=lab.dns,
            imap=lab.imap_ip,
            relay=lab.relay_ip,
            ca=lab.ca,
            user=lab_user.name,
            password=password,
            mailbox=mailbox,
            mailbox_auth=mailbox_auth,
            smtp_auth=smtp_auth,
        ).encode(),
        "test.yml",
    )
    lab_user.deliver(FOREIGN)
    async with App(settings, Store.open(tmp_path), new_key()) as app:
        key = ProbeKey("submission", lab_user.address)
        probe = app.probes.get_or_create(key)
        outcome = await app.prober.start(probe)
        configuration = app.probes.configuration(key)
        page = debug_page(probe, outcome, configuration, "")
        assert await app.store.outcome(outcome.trip) == outcome
    assert outcome.success is right, outcome.failure
    assert {leg_of(line) for line in outcome.transcript} == {"send", "mailbox"}
    assert "<secret>" in str(outcome.transcript)
    told = [
        page,
        caplog.text,
        *(file.read_bytes().decode("latin-1") for file in tmp_path.iterdir()),
    ]
    for form in (password, *encoded(lab_user.name, password)):
        assert not any(form in text for text in told)
    spoken = f"{outcome.transcript} {outcome.failure} {caplog.text}"
    assert not [content for content in CONTENTS if content in spoken]
    assert "Umbrella" in page  # in the configuration, where it belongs


def leg_of(line: str) -> str:
    return line.split()[1]


def encoded(user: str, password: str) -> list[str]:
    return [b64encode(text.encode()).decode() for text in (password, f"\0{user}\0{password}")]


IMAP = """
S: * PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] ready
C: $ SELECT "INBOX"
S: * 0 EXISTS
S: * OK [UIDVALIDITY 9] valid
S: * OK [UIDNEXT 1] next
S: $ OK
C: $ NOOP
S: * 1 EXISTS
S: $ OK
C: $ UID FETCH 1:* (UID BODY.PEEK[]<0.65536>)
S: * 1 FETCH (UID 1 BODY[]<0> {7}
S: Hello
S: )
S: * Our private matters:
S: %s
[may hang up]
"""
POP3 = """
[login]
C: TOP 1 0
S: +OK
S: Subject: x
S:
S: .
%s
"""


async def test_a_response_that_is_not_understood_shows_no_message() -> None:
    """Harmless slips are passed over; what stands in them may be of a message all the same."""
    answered = (IMAP % '* 2 FETCH ("secret rendezvous"').replace(
        "[may hang up]", "S: $ OK\n[may hang up]"
    )
    async with imap_rig.opened(answered) as (session, here):
        await session.scan()
    assert '* 2 FETCH ("..."' in here.transcript
    assert not [word for word in ("private", "secret", "rendezvous") if word in here.transcript]


@pytest.mark.parametrize("line", ["the secret rendezvous", "secret OK rendezvous"])
async def test_a_literal_that_is_longer_than_it_says_shows_no_message(line: str) -> None:
    async with imap_rig.opened(IMAP % line) as (session, here):
        with pytest.raises(ProbeError) as caught:
            await session.scan()
        told = f"{caught.value} {here.transcript}"
    assert "UID FETCH 1:*" in told
    assert caught.value.reason is Reason.PROTOCOL
    assert not [word for word in ("private", "secret", "rendezvous") if word in told]


@pytest.mark.parametrize("rest", ["S: the secret rendezvous", "C: QUIT\nS: the secret rendezvous"])
async def test_a_dot_that_is_not_doubled_shows_no_message(rest: str) -> None:
    async with connected(POP3 % f"{rest}\n[may hang up]") as here:
        await here.pop3.greeting()
        await here.pop3.capa()
        await here.pop3.user("me", "labpass")
        assert (await here.pop3.top(1, 0, 1000))[1] == b"Subject: x\r\n\r\n"
        with pytest.raises(ProbeError) as caught:
            await here.pop3.quit()
        told = f"{caught.value} {here.transcript}"
    assert caught.value.reason is Reason.PROTOCOL
    assert " characters)" in told
    assert "secret rendezvous" not in told
