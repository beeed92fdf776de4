"""A POP3 mailbox on a real Dovecot: what is particular to POP3. What all mailboxes promise is in
test_contract.py."""

import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.config.server import TlsMode
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.mailboxes.pop3.session import Pop3Session
from exporter.mailboxes.session import Sighting
from exporter.net.dns.resolver import Resolver
from tests.lab.client import LabUser
from tests.support.left_behind import until
from tests.support.pop3_rig import subjects
from tests.support.wanting import those


def message(subject: str, body: str = "Hello.") -> bytes:
    return (
        f"From: <a@lab.test>\r\nTo: <b@lab.test>\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()
    )


def mailbox(user: LabUser, **options: object) -> Pop3Mailbox:
    lab = user.lab
    given = {
        "host": lab.imap_ip,
        "username": user.name,
        "password": lab.password,
        "ca_file": lab.ca,
        **options,
    }
    return Pop3Mailbox(Pop3Options.model_validate({"poll_interval": "1ms", **given}), Resolver())


@asynccontextmanager
async def opened(mailbox: Pop3Mailbox, run: Run | None = None) -> AsyncIterator[Pop3Session]:
    session = await mailbox.open(run or Run(Clock()), those(lambda raw: b"Subject: ours" in raw))
    try:
        yield session
        await session.close()
    finally:
        session.abort()


async def found(session: Pop3Session, count: int = 1) -> list[Sighting]:
    """Scans until there are so many messages."""
    sightings: list[Sighting] = []
    while len(sightings) < count:
        sightings += await session.scan()
        if len(sightings) < count:
            await session.wait(0.08, Wake())
    return sightings


@pytest.mark.parametrize(
    ("given", "mode", "port"),
    [
        ({}, "implicit", 995),
        ({"tls": "starttls"}, "starttls", 110),
        ({"tls": "none"}, "none", 110),
        ({"port": 995}, "implicit", 995),
        ({"port": 110}, "starttls", 110),
        ({"port": 1995, "tls": "implicit"}, "implicit", 1995),
    ],
)
def test_tls_and_port_have_sensible_defaults(
    given: dict[str, object], mode: str, port: int
) -> None:
    options = Pop3Options.model_validate(
        {"host": "pop.test", "username": "me", "password": "x", **given}
    )
    assert (options.tls_mode, options.tcp_port) == (mode, port)


@pytest.mark.parametrize("auth", ["user", "plain"])
@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_a_message_is_found_timed_and_deleted(
    lab_user: LabUser, tls: TlsMode, auth: str
) -> None:
    run = Run(Clock())
    async with opened(mailbox(lab_user, tls=tls, auth=auth), run) as session:
        assert await session.scan() == []
        before = run.now()
        lab_user.deliver(message("hello"))
        run.spans.clear()
        (sighting,) = await found(session)
        assert (subjects([sighting]), sighting.folder, sighting.watched) == (
            ["hello"],
            "INBOX",
            True,
        )
        assert sighting.seen_at - sighting.lag < before < sighting.seen_at < run.now()
        await session.delete([sighting])
        assert lab_user.mails() == []
    assert [span.step for span in run.spans] == [
        *(Step.RESOLVE, Step.CONNECT),
        *{
            "none": [Step.GREETING],
            "starttls": [Step.GREETING, Step.TLS],
            "implicit": [Step.TLS, Step.GREETING],
        }[tls],
        *(Step.LOGIN, Step.FETCH, Step.FETCH, Step.DELETE, Step.LOGOUT),
    ]
    facts = [(fact.leg, fact.version) for fact in run.facts if isinstance(fact, TlsSession)]
    assert facts == ([] if tls == "none" else [(Leg.MAILBOX, "TLSv1.3")])
    assert lab_user.lab.password not in "\n".join(run.transcript)


@pytest.mark.parametrize("auth", ["cram-md5", "scram-sha-1", "scram-sha-256"])
async def test_mechanisms_that_do_not_send_the_password_log_in(
    lab_user: LabUser, auth: str
) -> None:
    run = Run(Clock())
    async with opened(mailbox(lab_user, auth=auth), run):
        pass
    assert f"C: AUTH {auth.upper()}" in "\n".join(run.transcript)


async def test_1500_older_messages_do_not_hold_up_a_new_one(lab_user: LabUser) -> None:
    with smtplib.LMTP(lab_user.lab.imap_ip, 24, local_hostname="test.lab.test") as client:
        for number in range(1500):
            client.sendmail("a@lab.test", [lab_user.address], message(f"old {number}"))
    before = lab_user.mails()
    async with opened(mailbox(lab_user)) as session:
        first = await session.scan()
        assert subjects(first) == [f"old {number}" for number in range(1499, 1399, -1)]
        assert not any(b"Hello." in sighting.raw or sighting.watched for sighting in first)
        lab_user.deliver(message("ours"))
        sightings = await found(session, 901)
        (ours,) = (sighting for sighting in sightings if sighting.watched)
        assert sorted(subjects(sightings)) == sorted(
            [*(f"old {number}" for number in range(500, 1400)), "ours"]
        )
        assert session.messages == 1501
        await session.delete([ours])
    # The server deletes at QUIT, in its own time.
    await until(lambda: len(lab_user.mails()) == len(before))
    assert lab_user.mails() == before


async def test_a_message_with_dots_and_a_line_of_any_length_is_read_as_it_is(
    lab_user: LabUser,
) -> None:
    body = ".\r\n..\r\n.hidden\r\n" + "x" * 20_000 + "\r\nend"
    async with opened(mailbox(lab_user)) as session:
        await session.scan()
        lab_user.deliver(message("dots", body))
        (sighting,) = await found(session)
        assert sighting.raw.partition(b"\r\n\r\n")[2] == f"{body}\r\n".encode()


async def test_what_was_seen_by_one_session_is_deleted_by_the_next(lab_user: LabUser) -> None:
    one_mailbox = mailbox(lab_user)
    async with opened(one_mailbox) as session:
        lab_user.deliver(message("ours"))
        lab_user.deliver(message("theirs"))
        sightings = await found(session, 2)
    async with opened(one_mailbox) as session:
        assert await session.scan() == []
        await session.delete(sightings)  # of the wrong one, too: it is not ours, and stays
    assert [b"theirs" in mail.content for mail in lab_user.mails()] == [True]


@pytest.mark.parametrize("auth", ["user", "plain"])
async def test_a_wrong_password_is_a_matter_of_auth(lab_user: LabUser, auth: str) -> None:
    run = Run(Clock())
    with pytest.raises(ProbeError) as caught:
        async with opened(mailbox(lab_user, auth=auth, password="not this one"), run):
            pass
    assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "AUTH")
    assert run.failure(caught.value).step is Step.LOGIN
    assert "not this one" not in "\n".join(run.transcript)


@pytest.mark.parametrize("options", [{"ca_file": None}, {"server_name": "pop.example.org"}])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_is_not_good_is_a_matter_of_tls(
    lab_user: LabUser, tls: TlsMode, options: dict[str, str | None]
) -> None:
    with pytest.raises(ProbeError, match="the certificate of .* is not valid") as caught:
        async with opened(mailbox(lab_user, tls=tls, **options)):
            pass
    assert caught.value.reason is Reason.TLS
    async with opened(mailbox(lab_user, tls=tls, verify=False, **options)) as session:
        assert await session.scan() == []
