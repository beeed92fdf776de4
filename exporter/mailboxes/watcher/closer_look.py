"""A closer look at the message of a trip: all of it, and where the mailbox shows it."""

from exporter.core.model import ProbeError
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import WHOLE_LIMIT, ReadsWhole, Session, Sighting, TellsTab


class CloserLook:
    """What an open session can tell of one message, each within the time of a conversation. What it
    cannot tell is no failure of the trip: it has found its message."""

    def __init__(self, session: Session, trace: Trace) -> None:
        self._session = session
        self._trace = trace

    async def whole(self, sighting: Sighting) -> bytes:
        """The whole message; empty if it cannot be read."""
        if not isinstance(self._session, ReadsWhole):
            return b""
        try:
            async with self._trace.conversation():
                return await self._session.whole(sighting, WHOLE_LIMIT)
        except ProbeError as error:
            self._trace.note(f"-- a message was not read as a whole: {error}")
            return b""

    async def tab(self, sighting: Sighting) -> str:
        """The tab of the inbox under which it is shown; empty if that is unknown."""
        if not isinstance(self._session, TellsTab) or not self._session.has_tabs:
            return ""
        try:
            async with self._trace.conversation():
                return await self._session.tab(sighting)
        except ProbeError as error:
            self._trace.note(f"-- the tab of a message is unknown: {error}")
            return ""
