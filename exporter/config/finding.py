"""Findings of the review of valid options."""

from dataclasses import dataclass, replace
from typing import Self

from exporter.config.mistakes import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and its place."""

    path: Path
    text: str
    warning: bool = False
    """Whether it may be meant all the same."""

    def below(self, *path: str | int) -> Self:
        """The finding with its path below this one."""
        return replace(self, path=(*path, *self.path))
