"""A Maildir that a real Dovecot delivers into and serves to a mail reader, while we look for messages in its files."""

import asyncio
import imaplib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher import Watcher
from exporter.message import FoundIn, compose
from exporter.run import Clock, Run
from exporter.tokens import Mint
from tests.lab.client import LabUser
from tests.mailboxes.maildir_bench import Maildir, message, opened, subjects


@pytest.fixture
def of_dovecot(lab_user: LabUser) -> Maildir:
    """A Maildir with one message of somebody else; Dovecot makes its directories at the first delivery."""
    lab_user.deliver(message("somebody else's").replace(b"\n", b"\r\n"))
    return Maildir(lab_user.maildir)


@contextmanager
def reader(user: LabUser) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(user.lab.imap_ip, 143) as client:
        client.login(user.name, user.lab.password)
        yield client


async def test_dovecot_delivers_and_moves_what_we_find(of_dovecot: Maildir, lab_user: LabUser) -> None:
    """A mail reader selects and flags over and over while messages come and go."""
    names = [f"message {number}" for number in range(40)]
    done = asyncio.Event()

    def reading() -> None:
        with reader(lab_user) as client:
            while not done.is_set():
                client.select("INBOX")
                client.store("1:*", "+FLAGS", "(\\Seen \\Flagged)")
                client.close()

    def delivering() -> None:
        for subject in names:
            lab_user.deliver(message(subject).replace(b"\n", b"\r\n"))

    async with opened(of_dovecot.mailbox()) as session:
        (theirs,) = await session.scan()
        others = asyncio.gather(asyncio.to_thread(reading), asyncio.to_thread(delivering))
        sightings: list[Sighting] = []
        try:
            while len(sightings) < len(names):
                some = await session.scan()
                await session.delete(some)
                sightings += some
                await session.wait(0.05, asyncio.Event())
        finally:
            done.set()
            await others
        assert sorted(subjects(sightings)) == sorted(names)
        assert await session.scan() == []
        assert [mail.content for mail in lab_user.mails()] == [theirs.raw + b"Hello.\n"]


async def test_a_whole_trip_goes_through_the_watcher(of_dovecot: Maildir, lab_user: LabUser) -> None:
    mint = Mint(b"k" * 32)
    here = Watcher("local", of_dovecot.mailbox(), mint, Clock(), 20, lambda token, kind, sighting: 0)
    token, run = mint.mint(0), Run(Clock(), session_timeout=20)
    try:
        with here.expect(token.trip, run) as expected:
            await expected.ready()
            raw = compose(token, "probe@lab.test", lab_user.address, 0).raw
            sent = run.now()
            await asyncio.to_thread(lab_user.deliver, raw)
            run.accept()
            got = await expected.arrival()
            await expected.delete()
        assert (got.token.trip, got.found_in, got.sighting.folder) == (token.trip, FoundIn.HEADER, "INBOX")
        assert got.sighting.watched
        assert sent < got.sighting.seen_at
        assert got.sighting.delay_since(run.accepted) is not None
        (left,) = lab_user.mails()
        assert b"somebody else's" in left.content
        assert (here.statistics.messages, here.statistics.deleted) == (2, 1)
    finally:
        await here.close()
