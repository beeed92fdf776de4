"""Rigs of mailboxes on this machine."""

import asyncio
import smtplib
from typing import ClassVar

import pytest

from exporter.config.types import Listen
from exporter.core.timing.clock import Clock
from exporter.mailboxes.maildir.mailbox import MaildirMailbox
from exporter.mailboxes.maildir.options import MaildirOptions
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.smtpd import SmtpdMailbox
from exporter.mailboxes.smtpd_options import SmtpdOptions
from exporter.net.dns.resolver import Resolver
from tests.lab.client import StoredMail
from tests.support.mailbox_rig import FOREIGN, LONG, FilesOnDisk
from tests.support.maildir_rig import Maildir
from tests.support.ports import free_port
from tests.support.relay import Wire


class LocalMaildirRig(FilesOnDisk):
    """A Maildir that a program like procmail delivers into, with a message of somebody else in
    it."""

    in_lab: ClassVar[bool] = False
    has_junk: ClassVar[bool] = True
    can_be_cut: ClassVar[bool] = True
    goodbye: ClassVar[str] = ""
    patience: ClassVar[float] = LONG
    stays_connected: ClassVar[bool] = False
    wire: Wire | None = None

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.maildir = request.getfixturevalue("tmp_path") / "Maildir"
        self._home, self._files = self.maildir, Maildir(self.maildir)
        self._files.make(".Junk")
        self._files.deliver(FOREIGN % b"the first")

    def mailbox(self) -> Mailbox:
        return MaildirMailbox(MaildirOptions(path=str(self._home)), Resolver())

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        for message in messages:
            second = int(Clock().wall())
            self._files.deliver(message, f".{folder}" if folder else "", second=second)
        return len(messages)

    def cut(self) -> None:
        self.maildir = self._files.path = self._home.rename(self._home.with_suffix(".away"))

    def mend(self) -> None:
        self.maildir = self._files.path = self.maildir.rename(self._home)

    def close(self) -> None:
        """Nothing is open."""


class SmtpdRig:
    """The own receiver. What comes while it is closed stays with its sender, so nothing was ever
    there before."""

    in_lab: ClassVar[bool] = False
    keeps: ClassVar[bool] = False
    has_junk: ClassVar[bool] = False
    can_be_cut: ClassVar[bool] = False
    goodbye: ClassVar[str] = ""
    patience: ClassVar[float] = LONG
    stays_connected: ClassVar[bool] = False
    wire: Wire | None = None

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._port = free_port()

    def mailbox(self) -> Mailbox:
        options = SmtpdOptions(
            listen=Listen(f"127.0.0.1:{self._port}"), recipients=["monitor@mon.test"]
        )
        return SmtpdMailbox(options, Resolver())

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        return await asyncio.to_thread(self._send, messages)

    def _send(self, messages: tuple[bytes, ...]) -> int:
        taken = 0
        with smtplib.SMTP("127.0.0.1", self._port, local_hostname="test.lab.test") as client:
            for message in messages:
                try:
                    client.sendmail("someone@lab.test", ["monitor@mon.test"], message)
                except smtplib.SMTPDataError as refusal:
                    assert refusal.smtp_code == 550
                else:
                    taken += 1
        return taken

    def kept(self) -> list[StoredMail]:
        return []

    def fill(self, messages: int) -> None:
        """There is no place for them."""

    def lose(self) -> None:
        """There is nothing to be lost."""

    def cut(self) -> None:
        """Its connections are those of others."""

    def mend(self) -> None:
        """It was not cut."""

    def close(self) -> None:
        """Nothing is open."""
