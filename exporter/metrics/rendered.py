"""Series that are kept as text, so that a scrape costs little and does not block others."""

import asyncio
from collections.abc import Iterator

from exporter.metrics.exposition import PIECE, Format, Lines, page, pieces
from exporter.metrics.series import Series


class Rendered:
    """Some series as text, written again only after a change, and while that lasts others have
    their turn."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._kept: dict[tuple[str | None, Format], tuple[int, Lines]] = {}

    async def page(self, form: Format) -> Iterator[bytes]:
        """In parts."""
        return page(self._series.definitions.values(), [await self.lines(form)], form)

    async def lines(self, form: Format, probe: str | None = None) -> Lines:
        """By family, all of one moment; with the label `probe`, if that has a name."""
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
