"""The rig of a mailbox on a real Cyrus, over JMAP."""

import asyncio
from typing import ClassVar

import pytest

from exporter.mailboxes.jmap.mailbox import JmapMailbox
from exporter.mailboxes.jmap.options import JmapOptions
from exporter.mailboxes.session import Mailbox
from exporter.net.dns.resolver import Resolver
from tests.lab.client import StoredMail
from tests.support.jmap_cyrus import HOST, NAME, JmapCyrus
from tests.support.mailbox_rig import FOREIGN
from tests.support.relay import Wire

KEYWORDS = {"$seen": "S", "$flagged": "F", "$answered": "T"}
"""The letters of `StoredMail`. JMAP does not show `\\Deleted`: another keyword stands for it."""


class CyrusMailboxRig:
    """Somebody's mailbox on Cyrus, with a message of somebody else in it. It offers no events, so
    a session asks for changes."""

    in_lab: ClassVar[bool] = True
    keeps: ClassVar[bool] = True
    has_junk: ClassVar[bool] = True
    can_be_cut: ClassVar[bool] = True
    goodbye: ClassVar[str] = ""
    patience: ClassVar[float] = 0.1
    stays_connected: ClassVar[bool] = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        cyrus: JmapCyrus = request.getfixturevalue("jmap_cyrus")
        self._cyrus = cyrus
        self._user = cyrus.user()
        self._user.deliver(FOREIGN % b"the first")  # Cyrus makes the mailboxes
        self._wire = Wire(HOST, cyrus.http)
        self.wire: Wire | None = self._wire
        self._names = {one: role for role, one in self._user.mailboxes().items()}

    def mailbox(self) -> Mailbox:
        url = f"https://{HOST}:{self._wire.port}"
        options = self._cyrus.options(self._user.name, url=url, server_name=NAME)
        return JmapMailbox(JmapOptions.model_validate(options), Resolver())

    async def deliver(self, *messages: bytes, folder: str = "") -> int:
        if folder:
            await asyncio.to_thread(self._user.store, folder.lower(), *messages)
        else:
            await asyncio.to_thread(self._user.deliver, *messages)
        return len(messages)

    def fill(self, messages: int) -> None:
        self._user.fill(messages)

    def kept(self) -> list[StoredMail]:
        found = []
        for one in self._user.emails():
            path, content = self._user.content(one["blobId"])
            flags = "".join(sorted(KEYWORDS[name] for name in one["keywords"]))
            for mailbox in one["mailboxIds"]:
                role = self._names[mailbox]
                folder = "INBOX" if role == "inbox" else role.capitalize()
                found.append(StoredMail(folder, one["id"], flags, content, path))
        return sorted(found, key=lambda mail: (mail.folder, mail.name))

    def lose(self) -> None:
        self._user.call("Email/set", destroy=[one["id"] for one in self._user.emails()])

    def cut(self) -> None:
        self._wire.cut()

    def mend(self) -> None:
        self._wire.mend()

    def close(self) -> None:
        self._wire.close()
