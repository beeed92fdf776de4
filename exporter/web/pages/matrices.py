"""The page of matrices: a table of senders and recipients, coloured by how the newest trips
ended."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.core.availability.maintenance import Maintenance
from exporter.core.facts import Arrival
from exporter.core.reasons import Reason
from exporter.core.timing.durations import duration
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.web.pages.overview import in_words
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.styles import BAD, GOOD, PLAIN

AT_A_TIME = 50  # cells that are made before others have their turn


@dataclass(frozen=True, slots=True)
class CellView:
    """A probe of a matrix, and how its newest trip ended."""

    name: str
    query: str  # of the page with its trips
    state: str
    word: str
    title: str
    trip: str  # the newest; empty if none has finished
    planned: bool  # it is in a window of maintenance
    folder: str  # where the newest message was found; empty if it was not found


@dataclass(frozen=True, slots=True)
class MatrixView:
    """A matrix as a table."""

    name: str
    recipients: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView | None, ...]], ...]  # by sender

    @property
    def cells(self) -> list[CellView]:
        return [one for _, row in self.rows for one in row if one]

    def number(self, state: str) -> int:
        """How many cells have this state."""
        return sum(one.state == state for one in self.cells)

    @property
    def junk(self) -> int:
        """How many of the newest messages were filed as spam."""
        return sum(one.word == Reason.JUNK for one in self.cells)


async def matrix_views(
    probes: Iterable[Probe], maintenance: Maintenance, now: float
) -> list[MatrixView]:
    """The matrices at Unix time `now`, in the order of the configuration."""
    found: dict[str, dict[tuple[str, str], CellView]] = {}
    of_matrices = ((probe, probe.cell) for probe in probes if probe.cell)
    async for probe, cell in in_turns(of_matrices, AT_A_TIME):
        views = found.setdefault(cell.matrix, {})
        views[cell.sender, cell.recipient] = _cell_view(probe, maintenance, now)
    return [_matrix_view(name, views) for name, views in found.items()]


def _matrix_view(name: str, views: dict[tuple[str, str], CellView]) -> MatrixView:
    senders = dict.fromkeys(sender for sender, _ in views)
    recipients = tuple(dict.fromkeys(recipient for _, recipient in views))
    rows = ((one, tuple(views.get((one, other)) for other in recipients)) for one in senders)
    return MatrixView(name, recipients, tuple(rows))


def _cell_view(probe: Probe, maintenance: Maintenance, now: float) -> CellView:
    state, word, text, newest = PLAIN, "no trip yet", "no trip has finished yet", probe.newest
    arrival = None
    if newest:
        arrival = next((one for one in newest.facts if isinstance(one, Arrival)), None)
        state, word = GOOD, _word(arrival)
        text = in_words(newest) if newest.success else str(newest.failure)
        if newest.failure:
            state, word = BAD, newest.failure.reason
    return CellView(
        probe.called,
        probe_query(probe.key),
        state,
        word,
        text,
        newest.trip if newest else "",
        bool(maintenance.lasts(probe.called, now)),
        arrival.folder if arrival else "",
    )


def _word(arrival: Arrival | None) -> str:
    if not arrival or arrival.delay is None:
        return "OK"
    return duration(arrival.delay)
