"""A configuration whose short notations are written out, before it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exporter.config.mistakes import Path


@dataclass(frozen=True, slots=True)
class Expansion:
    """The data, and where each part of it is written."""

    data: Any
    mistakes: tuple[tuple[Path, str], ...] = ()
    origins: Mapping[Path, Path] = field(default_factory=dict)  # of parts that are not written
    fillings: Mapping[Path, Mapping[str, str]] = field(default_factory=dict)
    """The placeholders of a part that were filled in, and with what."""

    unfilled: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    """The placeholders of a part that were not filled in, because of other errors."""

    def written_at(self, path: Path) -> Path:
        """Where the value at a path is written in the files."""
        for depth in (3, 2):
            if (origin := self.origins.get(path[:depth])) is not None:
                return origin + path[depth:]
        return path

    def remark(self, path: Path, written: object) -> str:
        """What was filled in for the placeholders in a written text, as the end of a line."""
        filling = self.fillings.get(path[:2], {}) if isinstance(written, str) else {}
        words = [f"{one} is {text}" for one, text in filling.items() if one in str(written)]
        return f"; {', '.join(words)}" if words else ""

    def is_unfilled(self, path: Path, written: object) -> bool:
        """Whether a written text is wrong only because its placeholder was not filled in."""
        found = (self.unfilled.get(path[:depth], frozenset()) for depth in (2, 3))
        return any(one in str(written) for placeholders in found for one in placeholders)
