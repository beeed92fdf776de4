"""Which trip does a message that was seen belong to, and may it go?"""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.mailboxes.expectation import Expectation, Found
from exporter.mailboxes.reader import Reader
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.statistics import Statistics
from exporter.mailboxes.strays import Judge, Strays
from exporter.message import Kind, Reading
from exporter.model import Phase
from exporter.run import Run
from exporter.tokens import Mint, NotOurs, Token


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of a message that was seen."""

    trip: str | None  # None: it is none of ours
    may_go: bool  # it may be deleted at once


class Matcher:
    """Hands messages to the trips in `awaited`, and tells `stray` of those of ours that no trip awaits."""

    def __init__(
        self, mint: Mint, statistics: Statistics, stray: Judge, now: Callable[[], float], reader: Reader
    ) -> None:
        self.awaited: dict[str, Expectation] = {}
        self._mint = mint
        self._statistics = statistics
        self._judge = stray
        self._reader = reader
        self._now = now
        self._strays = Strays(stray, now)

    async def settle_all(self, sightings: list[Sighting], run: Run, delete: Callable[[Sighting], None]) -> list[str]:
        """Matches messages, has those deleted that may go, and returns the trips that ours belong to."""
        trips = []
        for sighting in sightings:
            settled = await self.settle(sighting, run)
            if settled.trip:
                trips.append(settled.trip)
            if settled.may_go:
                delete(sighting)
        return trips

    async def settle(self, sighting: Sighting, run: Run) -> Settled:
        """Matches a message that a session has seen in `run`."""
        reading = await self._reader.read(sighting.raw)
        token = self._verified(reading)
        if token is None:
            return Settled(None, may_go=False)
        expectation = self.awaited.get(token.trip)
        if expectation:
            expectation.heard(reading)
        if expectation and reading.bounce and reading.kind is Kind.BOUNCE:
            expectation.bounced(reading.bounce)
            return Settled(token.trip, may_go=True)
        if not expectation or expectation.found.done() or reading.kind is not Kind.MESSAGE or expectation.for_bounces:
            return Settled(token.trip, await self._strays.may_go(token, reading.kind, sighting))
        expectation.run.adopt(run.spans, Phase.DELIVER, run.started)
        expectation.found.set_result(Found(token, reading.tokens[token.word], sighting))
        return Settled(token.trip, may_go=False)

    async def due(self) -> list[Sighting]:
        """The messages that were left alone for a while, and may be deleted now."""
        return await self._strays.due()

    async def is_ours(self, raw: bytes) -> bool:
        """Whether a message carries a token of ours."""
        return self._verified(await self._reader.read(raw)) is not None

    def another_mailbox(self) -> None:
        """What was left alone in the old one means nothing to the new one."""
        self._strays = Strays(self._judge, self._now)

    def _verified(self, reading: Reading) -> Token | None:
        """The token that proves that a message is ours; what only looks like one is counted and left alone."""
        rejections = []
        for word in reading.tokens:
            try:
                return self._mint.verify(word)
            except NotOurs as error:
                rejections.append(error.why)
        self._statistics.rejected.update(rejections[:1])
        return None
