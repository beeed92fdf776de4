"""Our messages that are to be deleted as soon as a session can."""

import asyncio
from collections.abc import Iterable

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import Session, Sighting


class Deletions:
    """Pending deletions; those left when a session fails are done in the next one."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Sighting, asyncio.Future[None] | None]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, sighting: Sighting, done: "asyncio.Future[None] | None" = None) -> None:
        """`done` is settled when the message is gone."""
        self._waiting.append((sighting, done))

    def extend(self, sightings: Iterable[Sighting]) -> None:
        self._waiting += [(sighting, None) for sighting in sightings]

    def discard(self, why: str) -> None:
        """Drops messages that can no longer be deleted."""
        for _, done in self._waiting:
            if done is not None and not done.done():
                done.set_exception(ProbeError(Reason.DISCONNECTED, why))
        self._waiting.clear()

    async def delete_all(self, session: Session, trace: Trace) -> int:
        """Deletes them all, and returns how many. Raises ProbeError."""
        deletions = list(self._waiting)
        async with trace.conversation():
            await session.delete([sighting for sighting, _ in deletions])
        del self._waiting[: len(deletions)]
        # A trip ends now, which takes a millisecond, and there may be thousands.
        for number, (_, done) in enumerate(deletions):
            if number:
                await asyncio.sleep(0)
            if done is not None and not done.done():
                done.set_result(None)
        return len(deletions)
