"""Series cached as text, so that a scrape is cheap and does not block other tasks."""

import asyncio
from collections.abc import Iterator

from exporter.metrics.exposition import PIECE, Format, Lines, page, pieces
from exporter.metrics.series import Series


class Rendered:
    """Some series as text, rendered again only after a change; other tasks run meanwhile."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._kept: dict[tuple[str | None, Format], tuple[int, Lines]] = {}

    async def page(self, form: Format) -> Iterator[bytes]:
        """The page, in parts."""
        return page(self._series.definitions.values(), [await self.lines(form)], form)

    async def lines(self, form: Format, probe: str | None = None) -> Lines:
        """The lines by family, a consistent snapshot; with the label `probe` if that is not
        empty."""
        version, lines = self._kept.get((probe, form), (None, {}))
        if version == self._series.version:
            return lines
        await asyncio.sleep(0)  # since many of us may be asked for, one after the other
        version, written, found = self._series.version, 0, dict[str, list[bytes]]()
        for name, piece in _pieces(self._series.copy(), form, probe):
            if written >= PIECE:
                await asyncio.sleep(0)
                written = 0
            found.setdefault(name, []).append(piece)
            written += piece.count(b"\n")
        self._kept = {
            key: kept for key, kept in self._kept.items() if kept[0] == self._series.version
        }
        self._kept[probe, form] = version, {name: b"".join(parts) for name, parts in found.items()}
        return self._kept[probe, form][1]


def _pieces(series: Series, form: Format, probe: str | None) -> Iterator[tuple[str, bytes]]:
    for definition in series.definitions.values():
        for piece in pieces(definition, series, form, probe):
            yield definition.name, piece
