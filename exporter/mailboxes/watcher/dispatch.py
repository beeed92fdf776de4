"""Dispatches messages: passes them to trips, reports strays, and selects those to delete."""

from collections.abc import Callable, Mapping

from exporter.core.facts import Alteration
from exporter.core.phases import Phase
from exporter.core.trace.trace import Trace
from exporter.mail.message import FoundIn, Kind, Reading
from exporter.mail.tokens import Mint, Token
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.closer_look import CloserLook
from exporter.mailboxes.watcher.expectation import Expectation, Found, Seen
from exporter.mailboxes.watcher.heartbeats import Heartbeats
from exporter.mailboxes.watcher.matching import (
    Awaits,
    Identity,
    Meaning,
    identify,
    meaning_of,
    seems_incomplete,
)
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.strays import Judge, Stray, Strays

# How often a message that seems to be incomplete is read
MOST_READINGS = 5  # ours, for 4 s
MOST_OF_OTHERS = 8  # others, for 30 s

Again = Callable[[Sighting, int], bool]
"""Has a session read a message again; False if it does not, or if it has done so as many times as
told."""


class Dispatcher:
    """Passes messages to the trips in `awaited`, and reports ours that no trip waits for to
    `stray`."""

    def __init__(
        self,
        awaited: Mapping[str, Expectation],
        mint: Mint,
        statistics: Statistics,
        stray: Judge,
        now: Callable[[], float],
        reader: Reader,
        heartbeats: Heartbeats,
    ) -> None:
        self._heartbeats = heartbeats
        self._awaited = awaited
        self._mint = mint
        self._statistics = statistics
        self._judge = stray
        self._reader = reader
        self._now = now
        self._strays = Strays(stray, now)

    async def dispatch(
        self,
        sightings: list[Sighting],
        trace: Trace,
        delete: Callable[[Sighting], None],
        again: Again | None = None,
        closer: CloserLook | None = None,
    ) -> list[str]:
        """Dispatches messages that a session has seen in `trace`, queues deletions, and returns the
        trips of our messages. One that seems incomplete waits until the session has read it
        `again`. At one that a trip awaits, it may take a `closer` look."""
        trips = []
        for sighting in sightings:
            reading = await self._reader.read(sighting.raw)
            identity = identify(reading, self._mint)
            if identity.token:
                trips.append(identity.token.trip)
            done = identity.token is None and await self._heartbeats.see(sighting)
            altered = await self._alterations(sighting, reading, identity.token, closer)
            if again and self._read_again(sighting, reading, identity, again, altered):
                continue
            if done:
                delete(sighting)
            self._count(identity)
            seen = Seen(altered, await self._tab(sighting, reading, identity.token, closer))
            expectation = self._awaited.get(identity.token.trip) if identity.token else None
            if identity.token and await self._act(
                identity.token, identity.found_in, expectation, reading, sighting, seen, trace
            ):
                delete(sighting)
        return trips

    async def due(self) -> list[Sighting]:
        """The postponed messages that may be deleted now."""
        return await self._strays.due()

    async def admit(self, raw: bytes) -> bool:
        """Decides on a message that is brought to a receiver: it takes one that contains one of our
        tokens, and a heartbeat. Of one that it refuses, the invalid token is counted here."""
        identity = await self._identify(raw)
        admitted = identity.token is not None or await self._heartbeats.are_in(raw)
        if not admitted:
            self._count(identity)
        return admitted

    async def may_delete(self, raw: bytes) -> bool:
        """Whether a message contains one of our tokens, or is a heartbeat that may be deleted."""
        if (await self._identify(raw)).token:
            return True
        return await self._heartbeats.are_in(raw, deleted=True)

    async def _identify(self, raw: bytes) -> Identity:
        return identify(await self._reader.read(raw), self._mint)

    def forget_postponed(self) -> None:
        """Forgets postponed messages of an earlier mailbox, whose identifiers are invalid in the
        new one."""
        self._strays = Strays(self._judge, self._now)

    async def _act(
        self,
        token: Token,
        found_in: FoundIn | None,
        expectation: Expectation | None,
        reading: Reading,
        sighting: Sighting,
        seen: Seen,
        trace: Trace,
    ) -> bool:
        """Passes one of our messages to its trip. True if it may be deleted at once."""
        if expectation:
            meaning = meaning_of(reading, token, expectation.awaits, expectation.home)
            expectation.note_reading(reading, arrived=meaning is Meaning.FOUND)
            if meaning is Meaning.BOUNCE and reading.bounce:
                expectation.bounced(reading.bounce)
                return True
            if meaning is Meaning.FOUND and found_in:
                expectation.adopt(trace.spans, Phase.DELIVER, trace.started)
                found = Found(token, found_in, reading.message, sighting, reading.bounce, seen)
                expectation.found.set_result(found)
                return False
        stray = Stray(token, reading.kind, sighting, expectation is not None, reading.home)
        pause = await self._strays.judge(stray)
        if pause > 0:
            self._strays.postpone(stray, pause)
        return pause <= 0

    async def _alterations(
        self, sighting: Sighting, reading: Reading, token: Token | None, closer: CloserLook | None
    ) -> tuple[Alteration, ...]:
        """What was changed in the message of a trip in progress; empty if that is unknown."""
        expectation = self._awaited.get(token.trip) if token else None
        if not token or not expectation or reading.kind is not Kind.MESSAGE:
            return ()
        if not sighting.cut:
            return await self._reader.alterations(reading.message, token)
        if not closer or not expectation.reads_whole:
            return ()
        return await self._reader.alterations(await closer.whole(sighting), token)

    async def _tab(
        self, sighting: Sighting, reading: Reading, token: Token | None, closer: CloserLook | None
    ) -> str:
        """Under which tab of the inbox a message is that a trip awaits; empty if that is
        unknown."""
        expectation = self._awaited.get(token.trip) if token else None
        awaited = expectation and expectation.awaits is Awaits.MESSAGE
        if not closer or not awaited or reading.kind is not Kind.MESSAGE or sighting.junk:
            return ""
        return await closer.tab(sighting)

    def _read_again(
        self,
        sighting: Sighting,
        reading: Reading,
        identity: Identity,
        again: Again,
        altered: tuple[Alteration, ...],
    ) -> bool:
        """Has a message that seems incomplete read again. False if it is taken as it is."""
        awaited = (one.awaits for one in self._awaited.values())
        return seems_incomplete(
            sighting, reading, identity.token, self._awaited, awaited, whole=not altered
        ) and again(sighting, MOST_READINGS if identity.token else MOST_OF_OTHERS)

    def _count(self, identity: Identity) -> None:
        """Counts invalid tokens; their messages are not touched."""
        if identity.token is None:
            self._statistics.rejected.update(identity.rejections[:1])
