"""What a contract test asks of a kind of mailbox: the mailbox, ways to put messages there, and what
is really in it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from exporter.mailboxes.session import Mailbox
from tests.lab.client import StoredMail
from tests.support.relay import Wire

LONG = 600.0
FOREIGN = b"From: <a@lab.test>\r\nTo: <b@lab.test>\r\nSubject: %s\r\n\r\nHello.\r\n"


class MailboxRig(Protocol):
    """A mailbox, and what is really in it."""

    in_lab: ClassVar[bool]
    """It needs the lab of mail servers."""

    keeps: ClassVar[bool]
    """Every message stays until it is deleted, ours and others'. The own receiver keeps none: it
    refuses others'."""

    has_junk: ClassVar[bool]
    """There is a folder for junk, and we look into it."""

    can_be_cut: ClassVar[bool]
    """It can be taken away from an open session."""

    goodbye: ClassVar[str]
    """What a session says when it parts, a word of its transcript; none if there is nobody to say
    it to."""

    patience: ClassVar[float]
    """How long a session may be asked to wait and must still notice at once what happens. POP3
    waits unconnected."""

    stays_connected: ClassVar[bool]
    """A session is one connection, and waits connected. A session over POP3 is a login after the
    other."""

    wire: Wire | None
    """What the session's connection goes through, if it is one."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        """Takes the fixtures that it needs."""

    def mailbox(self) -> Mailbox:
        """The mailbox as it would be after a start of the program."""

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        """Delivers; they are there when this returns. How many were taken in, and not refused."""

    def fill(self, messages: int) -> None:
        """Puts so many messages of others there, some of them read and flagged."""

    def kept(self) -> list[StoredMail]:
        """What is really there now, by name."""

    def lose(self) -> None:
        """Somebody else deletes all messages."""

    def cut(self) -> None:
        """Takes it away."""

    def mend(self) -> None:
        """Brings it back."""

    def close(self) -> None: ...


def stored(maildir: Path) -> list[StoredMail]:
    """What is in a Maildir, read from the disk."""
    while True:
        try:
            return sorted(_messages(maildir), key=lambda mail: (mail.folder, mail.name))
        except FileNotFoundError:  # renamed or deleted while we read
            continue


def _messages(maildir: Path) -> Iterator[StoredMail]:
    for directory in (maildir, *maildir.glob(".*/")):
        folder = directory.name.removeprefix(".") if directory != maildir else "INBOX"
        for file in [*directory.glob("new/*"), *directory.glob("cur/*")]:
            name, _, flags = file.name.partition(":2,")
            yield StoredMail(folder, name.partition(",")[0], flags, file.read_bytes(), file)


class FilesOnDisk:
    """What the rigs have in common whose messages are files in a Maildir."""

    keeps: ClassVar[bool] = True
    maildir: Path
    _numbers = count(1)

    def fill(self, messages: int) -> None:
        for number in range(messages):
            name = f"1600000000.M{next(self._numbers)}P7.host"
            place = self.maildir / (
                "new" if number % 2 else f"cur/{name}:2,{('', 'S', 'FS', 'T')[number // 2 % 4]}"
            )
            (place / name if number % 2 else place).write_bytes(FOREIGN % str(number).encode())

    def kept(self) -> list[StoredMail]:
        return stored(self.maildir)

    def lose(self) -> None:
        for mail in self.kept():
            mail.path.unlink()
