"""Series cached as text, so that a scrape costs what has changed since the last one."""

from exporter.core.timing.fairness import Slices
from exporter.metrics.exposition import Format, Lines, layout
from exporter.metrics.series import Series

PIECE = 1000
"""Series that are written at a time: about a millisecond of work."""


class Rendered:
    """Some series as text. Only families that have changed are written again."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._kept: dict[tuple[str | None, Format], tuple[int, Lines]] = {}

    async def lines(self, form: Format, slices: Slices, probe: str | None = None) -> Lines:
        """The lines by family, a consistent snapshot; with the label `probe` if that is not
        empty."""
        before, lines = self._kept.get((probe, form), (-1, {}))
        if before == self._series.version:
            return lines
        version, lines = self._series.version, dict(lines)
        for definition, values in self._series.changes(before):
            how, pieces = layout(definition, form, probe is not None), list[bytes]()
            for start in range(0, len(values), PIECE):
                pieces.append(how.lines(values[start : start + PIECE], probe))
                await slices.pause()
            lines[definition.name] = b"".join(pieces)
        # A text that was not read between two changes is not kept.
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] >= before}
        self._kept[probe, form] = version, lines
        return lines
