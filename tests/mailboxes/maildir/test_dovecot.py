"""A Maildir that a real Dovecot delivers into and serves to a mail reader, while we look for
messages in its files."""

import asyncio
import imaplib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.core.timing.wake import Wake
from exporter.mailboxes.session import Sighting
from tests.lab.client import LabUser
from tests.support.maildir_rig import Maildir, message, opened, subjects


@pytest.fixture
def of_dovecot(lab_user: LabUser) -> Maildir:
    """A Maildir with one message of somebody else; Dovecot makes its directories at the first
    delivery."""
    lab_user.deliver(message("somebody else's").replace(b"\n", b"\r\n"))
    return Maildir(lab_user.maildir)


@contextmanager
def reader(user: LabUser) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(user.lab.imap_ip, 143) as client:
        client.login(user.name, user.lab.password)
        yield client


async def test_dovecot_delivers_and_moves_what_we_find(
    of_dovecot: Maildir, lab_user: LabUser
) -> None:
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
                await session.wait(0.05, Wake())
        finally:
            done.set()
            await others
        assert sorted(subjects(sightings)) == sorted(names)
        assert await session.scan() == []
        assert [mail.content for mail in lab_user.mails()] == [theirs.raw + b"Hello.\n"]
