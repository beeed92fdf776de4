"""The outages of a probe, made of the results of its trips in the order in which they started.

Trips end in another order than they start: a message that never comes is overdue after ten minutes,
and later ones have arrived by then. So the results of trips that started after the oldest one in
progress are kept, and the outages among them may still change: begin earlier, end earlier, or be
two.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import add

from exporter.core.availability.outage import MOST_REASONS, Outage, Result, Standing, Unsettled
from exporter.core.model import Outcome, ProbeKey
from exporter.core.reasons import Trait

MOST_RESULTS = 1000  # that are kept of a probe; the oldest are final then


class Outages:
    """The outages of one probe. `unsettled` is what an earlier process knew; it begins with the
    starts of trips in Unix time, to which `offset` is added."""

    __slots__ = ("_base", "_base_known", "_ended", "_known", "_probe", "_results", "_seconds")

    def __init__(
        self, probe: ProbeKey, unsettled: Unsettled | None = None, offset: float = 0.0
    ) -> None:
        known = unsettled or Unsettled()
        self._probe = probe
        lasting = known.base and replace(known.base, probe=probe)
        self._base = lasting  # of trips that are final, if it lasts
        self._base_known = known.base_known  # the least `known` of its results
        # of those that are not, sorted
        self._results = sorted(
            replace(one, started=one.started_at + offset) for one in known.results
        )
        self._known = max([known.base_known, *(one.known for one in self._results)]) + 1
        self._ended = [0, 0]  # outages: those that were not planned, and that were
        self._seconds = [0.0, 0.0]  # the same
        if lasting:  # what an earlier process has counted
            for planned, seconds in enumerate(_parts(lasting, lasting.last_start)):
                self._seconds[planned] -= seconds

    def add(self, outcome: Outcome, started: float, oldest: float) -> list[Outage]:
        """Adds the result of a trip that started at `started`. No trip in progress started before
        `oldest`; both monotonic. Returns the outages that it begins, changes or ends.

        A trip that only our own lateness spoiled says nothing.
        """
        failure, before = outcome.failure, self.unsettled()
        if failure and Trait.TELLS_NOTHING in failure.reason.traits:
            return []
        result = Result(
            started,
            self._known,
            outcome.trip,
            outcome.started_at,
            f"{failure.phase}/{failure.reason}" if failure else "",
            failure.reason.blames(failure.phase) if failure else None,
            outcome.planned,
        )
        self._known += 1
        insort(self._results, result)
        changed = [one for one in self.unsettled() if one not in before]
        self._settle(oldest)
        return changed

    @property
    def kept(self) -> Unsettled | None:
        """What the next process must know; None if there is nothing."""
        if self._base is None and not self._results:
            return None
        return Unsettled(self._base, self._base_known, tuple(self._results))

    @property
    def lasting(self) -> Outage | None:
        """The outage that lasts."""
        outages = self.unsettled()
        return outages[-1] if outages and outages[-1].lasts else None

    def unsettled(self) -> list[Outage]:
        """The outages that may still change, the oldest first."""
        return list(self._divided(self._results))

    def standing(self, *, newest: bool = True) -> Standing:
        """What all results say. The seconds of outages are counted until the last result that is
        final, so they never decrease."""
        lasting = self.lasting
        counted = _parts(self._base, self._base.last_start) if self._base else (0.0, 0.0)
        unplanned, planned = map(add, self._seconds, counted)
        return Standing(
            newest,
            lasting.failures if lasting else 0,
            lasting.start if lasting else None,
            (self._ended[False], self._ended[True]),
            (unplanned, planned),
        )

    def _settle(self, oldest: float) -> None:
        """Counts the outages that have ended, and can no longer change."""
        final = max(
            sum(result.started < oldest for result in self._results),
            len(self._results) - MOST_RESULTS,
        )
        outages = list(self._divided(self._results[:final]))
        base = outages.pop() if outages and outages[-1].lasts else None
        known = [one.known for one in self._results[:final] if base and one.trip == base.id]
        self._base, self._base_known = base, known[0] if known else self._base_known
        self._results = self._results[final:]
        for outage in outages:
            self._ended[outage.planned] += 1
            for planned, seconds in enumerate(_parts(outage, outage.start)):
                self._seconds[planned] += seconds

    def _divided(self, results: Iterable[Result]) -> Iterator[Outage]:
        """Divides the results into outages, of which only the last may last."""
        outage, known = self._base, self._base_known
        for result in results:
            if outage is None:
                if result.failure:
                    outage, known = _begun(self._probe, result), result.known
                continue
            since = result.started_at - outage.last_start
            if since < 0 and outage is self._base and not result.failure:
                continue  # from before a restart, when later trips had failed already
            planned = outage.planned_seconds + (max(since, 0.0) if result.planned else 0.0)
            if not result.failure:
                end = max(result.started_at, outage.start)
                yield replace(outage, end=end, planned_seconds=planned)
                outage = None
                continue
            outage = replace(
                _with(outage, result),
                id=result.trip if result.known < known else outage.id,
                planned_seconds=planned,
            )
            known = min(known, result.known)
        if outage:
            yield outage


def _parts(outage: Outage, now: float) -> tuple[float, float]:
    """Its seconds that were not planned, and that were."""
    planned = outage.planned_seconds
    return max(outage.seconds(now) - planned, 0.0), planned


def _begun(probe: ProbeKey, result: Result) -> Outage:
    return Outage(
        id=result.trip,
        probe=probe,
        start=result.started_at,
        last_start=result.started_at,
        end=None,
        failures=1,
        first_trip=result.trip,
        last_trip=result.trip,
        leg=result.leg,
        reasons=(result.failure,),
        planned_seconds=0.0,
        planned=result.planned,
    )


def _with(outage: Outage, result: Result) -> Outage:
    """The outage with one more failure, after those that it has."""
    new = result.failure not in outage.reasons and len(outage.reasons) < MOST_REASONS
    return replace(
        outage,
        last_start=max(outage.last_start, result.started_at),
        failures=outage.failures + 1,
        last_trip=result.trip,
        reasons=(*outage.reasons, result.failure) if new else outage.reasons,
        planned=outage.planned and result.planned,
    )
