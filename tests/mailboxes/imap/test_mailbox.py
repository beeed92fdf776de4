"""An IMAP mailbox on a real Dovecot: what is particular to IMAP. What all mailboxes promise is in
test_contract.py."""

import asyncio
import imaplib
import smtplib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from exporter import __version__
from exporter.config.server import TlsMode
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.imap.session import ImapSession
from exporter.mailboxes.session import Sighting
from exporter.net.dns.resolver import Resolver
from tests.lab.client import LabUser
from tests.support.imap_rig import RunThatNotes
from tests.support.wanting import all_of_them

LONG = 60.0


def message(subject: str) -> bytes:
    return (
        f"From: <a@lab.test>\r\nTo: <b@lab.test>\r\nSubject: {subject}\r\n\r\nHello.\r\n".encode()
    )


def subjects(sightings: list[Sighting]) -> list[str]:
    lines = [line for sighting in sightings for line in sighting.raw.decode().splitlines()]
    return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]


def mailbox(user: LabUser, **options: object) -> ImapMailbox:
    lab = user.lab
    given = {
        "host": lab.imap_ip,
        "username": user.name,
        "password": lab.password,
        "ca_file": lab.ca,
        **options,
    }
    return ImapMailbox(ImapOptions.model_validate(given), Resolver())


@asynccontextmanager
async def opened(mailbox: ImapMailbox, run: Run | None = None) -> AsyncIterator[ImapSession]:
    session = await mailbox.open(run or Run(Clock()), all_of_them)
    try:
        yield session
        await session.close()
    finally:
        session.abort()


@contextmanager
def another_client(user: LabUser, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(user.lab.imap_ip, 143) as client:
        client.login(user.name, user.lab.password)
        client.select(folder)
        yield client


async def found(session: ImapSession, count: int = 1) -> list[Sighting]:
    """Scans until there are so many messages."""
    sightings: list[Sighting] = []
    while len(sightings) < count:
        sightings += await session.scan()
        if len(sightings) < count:
            await session.wait(0.05, Wake())
    return sightings


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_a_message_is_found_timed_and_deleted(lab_user: LabUser, tls: TlsMode) -> None:
    run = Run(Clock())
    async with opened(mailbox(lab_user, tls=tls), run) as session:
        assert await session.scan() == []
        before = run.now()
        lab_user.deliver(message("hello"))
        after = run.now()
        # LMTP has said that it is there, so the next look shows it.
        (sighting,) = await session.scan()
        assert (subjects([sighting]), sighting.folder, sighting.watched) == (
            ["hello"],
            "INBOX",
            True,
        )
        assert before < sighting.seen_at < run.now()
        assert after <= sighting.seen_at
        await session.delete([sighting])
        assert lab_user.mails() == []
    assert [span.step for span in run.spans] == [
        *(Step.RESOLVE, Step.CONNECT),
        *{
            "none": [Step.GREETING],
            "starttls": [Step.GREETING, Step.TLS],
            "implicit": [Step.TLS, Step.GREETING],
        }[tls],
        *(Step.LOGIN, Step.SELECT, Step.FETCH, Step.DELETE, Step.LOGOUT),
    ]
    facts = [(fact.leg, fact.version) for fact in run.facts if isinstance(fact, TlsSession)]
    assert facts == ([] if tls == "none" else [(Leg.MAILBOX, "TLSv1.3")])
    assert lab_user.lab.password not in "\n".join(run.transcript)


async def test_an_idling_session_is_told_of_a_message(lab_user: LabUser) -> None:
    run = RunThatNotes(Clock())
    async with opened(mailbox(lab_user), run) as session:
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await run.wait_for_line("S: + idling")
        lab_user.deliver(message("hello"))
        await waiting
        assert subjects(await session.scan()) == ["hello"]


async def test_1500_older_messages_do_not_hold_up_a_new_one(lab_user: LabUser) -> None:
    with smtplib.LMTP(lab_user.lab.imap_ip, 24, local_hostname="test.lab.test") as client:
        for number in range(1500):
            client.sendmail("a@lab.test", [lab_user.address], message(f"old {number}"))
    async with opened(mailbox(lab_user)) as session:
        lab_user.deliver(message("new"))
        first = await session.scan()
        assert subjects(first)[:2] == ["new", "old 1400"]
        assert [sighting.watched for sighting in first] == [True, *[False] * 100]
        assert not any(b"Hello." in sighting.raw for sighting in first[1:])
        older = await found(session, 900)
        assert sorted(subjects(older) + subjects(first[1:])) == sorted(
            f"old {number}" for number in range(500, 1500)
        )
        assert await session.scan() == []
        assert session.messages == 1501


async def test_a_folder_may_have_any_name(lab_user: LabUser) -> None:
    with another_client(lab_user) as client:
        client.create('"Entw&APw-rfe \\"1\\""')
        client.append('"Entw&APw-rfe \\"1\\""', "", "", message("draft"))
    async with opened(mailbox(lab_user, folders=['Entwürfe "1"'])) as session:
        (sighting,) = await session.scan()
        assert (subjects([sighting]), sighting.folder) == (["draft"], 'Entwürfe "1"')
        await session.delete([sighting])
        assert lab_user.mails() == []


async def test_the_next_session_does_not_sweep_again(lab_user: LabUser) -> None:
    lab_user.deliver(message("old"))
    one_mailbox = mailbox(lab_user)
    async with opened(one_mailbox) as session:
        assert subjects(await session.scan()) == ["old"]
    lab_user.deliver(message("in between"))
    async with opened(one_mailbox) as session:
        (sighting,) = await session.scan()
        assert (subjects([sighting]), sighting.watched) == (["in between"], False)
        await session.delete([sighting])
    async with opened(one_mailbox) as session:
        assert await session.scan() == []


async def test_a_folder_that_was_made_anew_is_swept_again_and_nothing_is_deleted_by_old_uids(
    lab_user: LabUser,
) -> None:
    one_mailbox, run = mailbox(lab_user, folders=["Monitor"]), Run(Clock())
    with another_client(lab_user) as client:
        client.create("Monitor")
        client.append("Monitor", "", "", message("ours"))
        async with opened(one_mailbox) as session:
            (ours,) = await session.scan()
        client.delete("Monitor")
        client.create("Monitor")
        client.append("Monitor", "", "", message("theirs"))
    before = lab_user.mails()
    async with opened(one_mailbox, run) as session:
        (theirs,) = await session.scan()
        assert (subjects([theirs]), theirs.ref.uid) == (["theirs"], ours.ref.uid)
        await session.delete([ours])
    assert lab_user.mails() == before
    assert "new UIDVALIDITY" in "\n".join(run.transcript)


@pytest.mark.parametrize("auth", ["login", "plain"])
async def test_a_wrong_password_is_a_matter_of_auth(lab_user: LabUser, auth: str) -> None:
    run = Run(Clock())
    with pytest.raises(ProbeError) as caught:
        async with opened(mailbox(lab_user, auth=auth, password='wr"ong'), run):
            pass
    assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "AUTHENTICATIONFAILED")
    assert run.failure(caught.value).step is Step.LOGIN
    assert 'wr"ong' not in "\n".join(run.transcript)


@pytest.mark.parametrize("auth", ["login", "plain", "cram-md5", "scram-sha-1", "scram-sha-256"])
async def test_every_mechanism_logs_in(lab_user: LabUser, auth: str) -> None:
    async with opened(mailbox(lab_user, auth=auth)) as session:
        assert await session.scan() == []


@pytest.mark.parametrize("told", [True, False])
async def test_the_server_is_told_who_we_are_unless_it_must_not(
    lab_user: LabUser, told: bool
) -> None:
    run = Run(Clock())
    async with opened(mailbox(lab_user, id=told), run):
        pass
    said = "\n".join(run.transcript)
    assert (f'ID ("name" "mailtrip" "version" "{__version__}")' in said) is told
    assert ('S: * ID ("name" "Dovecot")' in said) is told


@pytest.mark.parametrize("options", [{"ca_file": None}, {"server_name": "imap.example.org"}])
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
