"""Which trip does a message that was seen belong to, and may it go?"""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.core.model import Phase
from exporter.core.trace import Trace
from exporter.mail.message import Kind, Reading
from exporter.mail.tokens import Mint, NotOurs, Rejection, Token
from exporter.mailboxes.completeness import is_complete
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.expectation import Expectation, Found
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.strays import Judge, Strays

MOST_READINGS, MOST_OF_OTHERS = (
    5,
    8,
)  # of a message that seems to be incomplete: ours, for 4 s; others, for 30 s
Again = Callable[[Sighting, int], bool]
"""Has a session read a message again; False if it does not, or if it has done so as many times as
told."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of a message that was seen."""

    trip: str | None  # None: it is none of ours
    may_go: bool  # it may be deleted at once


class Matcher:
    """Hands messages to the trips in `awaited`, and tells `stray` of those of ours that no trip
    awaits."""

    def __init__(
        self,
        mint: Mint,
        statistics: Statistics,
        stray: Judge,
        now: Callable[[], float],
        reader: Reader,
    ) -> None:
        self.awaited: dict[str, Expectation] = {}
        self._mint = mint
        self._statistics = statistics
        self._judge = stray
        self._reader = reader
        self._now = now
        self._strays = Strays(stray, now)

    async def settle_all(
        self,
        sightings: list[Sighting],
        trace: Trace,
        delete: Callable[[Sighting], None],
        again: Again | None = None,
    ) -> list[str]:
        """Matches messages, has those deleted that may go, and returns the trips that ours belong
        to."""
        trips = []
        for sighting in sightings:
            settled = await self.settle(sighting, trace, again)
            if settled.trip:
                trips.append(settled.trip)
            if settled.may_go:
                delete(sighting)
        return trips

    async def settle(self, sighting: Sighting, trace: Trace, again: Again | None = None) -> Settled:
        """Matches a message that a session has seen in `trace`, and does so later if it seems to be
        incomplete."""
        reading = await self._reader.read(sighting.raw)
        if (
            again
            and not sighting.cut
            and (unfinished := self._unfinished(sighting, reading, again))
        ):
            return unfinished
        token = self._verified(reading)
        if token is None:
            return Settled(None, may_go=False)
        expectation = self.awaited.get(token.trip)
        if expectation:
            expectation.heard(reading)
        if expectation and reading.bounce and reading.kind is Kind.BOUNCE:
            expectation.bounced(reading.bounce)
            return Settled(token.trip, may_go=True)
        if (
            not expectation
            or expectation.found.done()
            or reading.kind is not Kind.MESSAGE
            or expectation.for_bounces
        ):
            return Settled(token.trip, await self._strays.may_go(token, reading.kind, sighting))
        expectation.run.adopt(trace.spans, Phase.DELIVER, trace.started)
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

    def _unfinished(self, sighting: Sighting, reading: Reading, again: Again) -> Settled | None:
        """A server was seen to show the beginning of a message that it was still writing."""
        token, _ = self._token(reading)
        waits = any(not one.found.done() for one in self.awaited.values())
        if (
            not waits
            or (token and token.trip not in self.awaited)
            or is_complete(sighting.raw, reading, token)
        ):
            return None
        if not again(sighting, MOST_READINGS if token else MOST_OF_OTHERS):
            return None
        return Settled(token.trip if token else None, may_go=False)

    def _verified(self, reading: Reading) -> Token | None:
        """The token that proves that a message is ours; what only looks like one is counted and
        left alone."""
        token, rejections = self._token(reading)
        if token is None:
            self._statistics.rejected.update(rejections[:1])
        return token

    def _token(self, reading: Reading) -> tuple[Token | None, list[Rejection]]:
        """The token that proves that a message is ours, and why others do not."""
        rejections: list[Rejection] = []
        for word in reading.tokens:
            try:
                return self._mint.verify(word), rejections
            except NotOurs as error:
                rejections.append(error.why)
        return None, rejections
