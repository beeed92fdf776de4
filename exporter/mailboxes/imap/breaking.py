"""Messages at which the server closes the connection, and those that it refuses to show. Pure.

Dovecot closes it at a message that it cannot read (`imap_fetch_failure`:
https://github.com/dovecot/core/commit/704a96fa677763eef7ae62466e14e83a2f535427).
"""

from collections.abc import Collection

from exporter.core.model import ProbeError
from exporter.core.steps import Step
from exporter.mailboxes.imap.folder import Folder, Ref
from exporter.mailboxes.imap.selection import CHUNK
from exporter.mailboxes.unreadable import LEAST, UnreadableMessages


class BreakingMessages:
    """It outlives the session.

    After connections have ended while several messages were read, as many are read alone, so that
    it is known at which it ends.
    """

    def __init__(self) -> None:
        self._ended: dict[str, int] = {}  # so many connections at several messages, by folder
        self._alone: dict[str, int] = {}  # so many messages, by folder
        self._known = UnreadableMessages[tuple[str, Ref]]()
        self._refused = UnreadableMessages[tuple[str, Ref]]()  # they are not passed over

    def reads_alone(self, folder: Folder) -> bool:
        """Whether each message there is read by a command of its own."""
        return folder.name in self._alone

    def read_alone(self, folder: Folder, messages: int) -> None:
        """Has the next messages there read alone."""
        self._alone[folder.name] = messages

    def passed(self, folder: Folder, messages: int) -> None:
        """Notes that so many messages there were read alone."""
        if (left := self._alone.pop(folder.name, 0) - messages) > 0:
            self._alone[folder.name] = left

    def all_read(self, folder: Folder) -> None:
        """Notes that there is nothing more to read there."""
        self._ended.pop(folder.name, None)
        self._alone.pop(folder.name, None)

    def ended(
        self, folder: Folder, uids: Collection[int], error: ProbeError, now: float, *, new: bool
    ) -> None:
        """Notes that the connection ended when these messages were requested; none if their UIDs
        were not known."""
        if len(uids) == 1:
            why = error.at(None, Step.FETCH)
            self._known.failed(_name(folder, *uids), why, now, at=now, is_new=new)
            return
        self._ended[folder.name] = self._ended.get(folder.name, 0) + 1
        if self._ended[folder.name] >= LEAST:
            self.read_alone(folder, len(uids) or CHUNK)

    def refused(
        self, folder: Folder, uids: Collection[int], error: ProbeError, now: float, *, new: bool
    ) -> None:
        """Notes that the server refuses to show these messages, of which at least one is broken."""
        for uid in uids:
            self._known.answered(_name(folder, uid))
        if len(uids) == 1:
            why = error.at(None, Step.FETCH)
            self._refused.failed(_name(folder, *uids), why, now, at=now, is_new=new)

    def shown(self, folder: Folder, uids: Collection[int]) -> None:
        """Notes that the server has shown these messages, as far as they are there."""
        for uid in uids:
            self._known.answered(_name(folder, uid))
            self._refused.answered(_name(folder, uid))

    def unreadable(self, folder: Folder) -> list[int]:
        """The UIDs of the messages that are passed over."""
        return [
            ref.uid
            for name, ref in self._known.passed_over()
            if name == folder.name and ref.validity == folder.validity
        ]

    def due(self, folder: Folder, now: float) -> list[int]:
        """One of them, if it is time to ask for it again."""
        return self.unreadable(folder)[:1] if self._known.may_retry(now) else []

    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived then or later could not be read; None if all could."""
        return self._known.since(moment) or self._refused.since(moment)


def _name(folder: Folder, uid: int) -> tuple[str, Ref]:
    return folder.name, Ref(folder.validity, uid)
