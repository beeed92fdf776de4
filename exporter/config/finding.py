"""What a review finds in options that can be read."""

from dataclasses import dataclass, replace
from typing import Self

from exporter.config.mistakes import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, where."""

    path: Path
    text: str
    warning: bool = False
    """Whether it may be meant all the same."""

    def below(self, *path: str | int) -> Self:
        """The same, of options that stand at this path."""
        return replace(self, path=(*path, *self.path))
