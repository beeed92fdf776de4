"""What the HTTP server serves."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.core.model import ProbeKey
from exporter.metrics.exposition import Format
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.web.api.frame import Frame
from exporter.web.lookups_now import LookupsNow
from exporter.web.pages.pages import Pages

Reload = Callable[[], Coroutine[Any, Any, None]]
"""Reloads the configuration. Raises Mistakes."""


class Exposition(Protocol):
    """Series as text."""

    async def probe(self, probe: ProbeKey, form: Format = ...) -> Text: ...

    async def everything(self, form: Format = ...) -> Text: ...

    def refused(self, kind: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Resources:
    """The probes, and everything that URLs stand for."""

    probes: ProbeTable
    exposition: Exposition
    pages: Pages
    api: Frame | None = None
    lookups: LookupsNow | None = None
    reload: Reload | None = None

    @property
    def admin(self) -> bool:
        """Whether readers may change something, or send a message."""
        return bool(self.api and self.api.admin)
