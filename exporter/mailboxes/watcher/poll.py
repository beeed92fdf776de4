"""One poll of a mailbox: finds new messages, dispatches them, and deletes those that may go."""

from exporter.core.trace.trace import Trace
from exporter.core.transcript.transcript import Transcript
from exporter.mailboxes.session import Rechecking, Rereading, Session, Sighting
from exporter.mailboxes.watcher.closer_look import CloserLook
from exporter.mailboxes.watcher.deletions import Deletions
from exporter.mailboxes.watcher.dispatch import Dispatcher
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.waiting import Waiting


class Poll:
    """The parts of a poll. Lines about the message of a trip are in the `transcript` for that trip
    only."""

    def __init__(
        self,
        waiting: Waiting,
        dispatcher: Dispatcher,
        deletions: Deletions,
        transcript: Transcript,
        statistics: Statistics,
    ) -> None:
        self._waiting = waiting
        self._dispatcher = dispatcher
        self._deletions = deletions
        self._transcript = transcript
        self._statistics = statistics

    async def scan(self, session: Session, trace: Trace) -> list[Sighting]:
        """The messages that are new to the session. Raises ProbeError."""
        rechecking = self._recheck_due(session)
        async with trace.conversation():
            sightings = await session.scan()
        for expectation in rechecking:
            expectation.rechecked()
        self._statistics.messages = session.messages
        return sightings

    def _recheck_due(self, session: Session) -> list[Expectation]:
        """Before a trip is overdue, a session that relies on announcements polls once. Returns
        whose trips these are."""
        due = self._waiting.to_recheck()
        for expectation in due:
            expectation.rechecks()
        if due and isinstance(session, Rechecking):
            session.recheck()
        return due

    async def act(
        self, sightings: list[Sighting], session: Session, trace: Trace, began: int
    ) -> None:
        """Dispatches the messages of a scan whose first line in the transcript is `began`."""
        if sightings:
            again = session.read_again if isinstance(session, Rereading) else None
            trips = await self._dispatcher.dispatch(
                sightings, trace, self._deletions.add, again, CloserLook(session, trace)
            )
            self._transcript.concerns(began, trips)
            if others := len(sightings) - len(trips):
                trace.note(f"-- new messages that are not ours: {others}")
        self._deletions.extend(await self._dispatcher.due())

    async def delete(self, session: Session, trace: Trace) -> None:
        """Carries out the deletions. Raises ProbeError."""
        began, trips = self._transcript.position, self._waiting.deleting()
        try:
            self._statistics.deleted += await self._deletions.delete_all(session, trace)
        finally:
            self._transcript.concerns(began, trips)
