"""Rigs of mailboxes on the Dovecot of the lab."""

import asyncio
import imaplib
import smtplib
from typing import ClassVar

import pytest

from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.maildir.mailbox import MaildirMailbox
from exporter.mailboxes.maildir.options import MaildirOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.mailboxes.session import Mailbox
from exporter.net.dns.resolver import Resolver
from tests.lab.client import LabUser
from tests.support.mailbox_rig import FOREIGN, LONG, FilesOnDisk
from tests.support.relay import Wire


class _OfDovecot(FilesOnDisk):
    """Somebody's mailbox on the Dovecot of the lab, with a message of somebody else in it."""

    in_lab: ClassVar[bool] = True
    has_junk: ClassVar[bool] = True
    can_be_cut: ClassVar[bool] = True
    wire: Wire | None = None
    port: ClassVar[int] = 0

    def __init__(self, request: pytest.FixtureRequest) -> None:
        user: LabUser = request.getfixturevalue("lab_user")
        self.user = user
        self.maildir = user.maildir
        user.deliver(FOREIGN % b"the first")  # Dovecot makes the directories
        if self.port:
            self.wire = Wire(user.lab.imap_ip, self.port)

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        await asyncio.to_thread(self._append if folder else self._store, messages, folder)
        return len(messages)

    def _store(self, messages: tuple[bytes, ...], folder: str) -> None:
        with smtplib.LMTP(self.user.lab.imap_ip, 24, local_hostname="test.lab.test") as client:
            for message in messages:
                client.sendmail("someone@lab.test", [self.user.address], message)

    def _append(self, messages: tuple[bytes, ...], folder: str) -> None:
        with imaplib.IMAP4(self.user.lab.imap_ip, 143) as client:
            client.login(self.user.name, self.user.lab.password)
            for message in messages:
                assert client.append(folder, "", "", message)[0] == "OK"

    def options(self) -> dict[str, object]:
        lab = self.user.lab
        server = {
            "host": "127.0.0.1",
            "port": self._wire.port,
            "tls": "implicit",
            "server_name": lab.imap_name,
        }
        return {**server, "username": self.user.name, "password": lab.password, "ca_file": lab.ca}

    @property
    def _wire(self) -> Wire:
        assert self.wire
        return self.wire

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def close(self) -> None:
        if self.wire:
            self.wire.close()


class DovecotImapRig(_OfDovecot):
    goodbye: ClassVar[str] = "LOGOUT"
    patience: ClassVar[float] = LONG
    stays_connected: ClassVar[bool] = True
    port: ClassVar[int] = 993

    def mailbox(self) -> Mailbox:
        return ImapMailbox(ImapOptions.model_validate(self.options()), Resolver())


class DovecotPop3Rig(_OfDovecot):
    has_junk: ClassVar[bool] = False
    goodbye: ClassVar[str] = "QUIT"
    patience: ClassVar[float] = 0.1
    stays_connected: ClassVar[bool] = False
    port: ClassVar[int] = 995

    def mailbox(self) -> Mailbox:
        return Pop3Mailbox(
            Pop3Options.model_validate({"poll_interval": "1ms", **self.options()}), Resolver()
        )


class DeliveredMaildirRig(_OfDovecot):
    """A Maildir that Dovecot delivers into. It is not taken away, since Dovecot would make another
    one."""

    can_be_cut: ClassVar[bool] = False
    goodbye: ClassVar[str] = ""
    patience: ClassVar[float] = LONG
    stays_connected: ClassVar[bool] = False

    def mailbox(self) -> Mailbox:
        return MaildirMailbox(MaildirOptions(path=str(self.maildir)), Resolver())
