"""Windows of planned maintenance that are started on a running mailtrip."""

import logging

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.timing.clock import Clock
from exporter.state.store import Store

log = logging.getLogger(__name__)

MOST = 100  # windows at a time


class WindowRefused(Exception):
    """A window that cannot be started or stopped: one line with the cure."""


class StartedWindows:
    """Starts and stops windows; they survive a restart."""

    def __init__(self, maintenance: Maintenance, store: Store, clock: Clock) -> None:
        self.maintenance = maintenance
        self._store = store
        self._clock = clock

    def restore(self) -> None:
        """Continues those that an earlier process started. Raises StateUnusable."""
        self.maintenance.replace_started(self._store.windows())
        self.forget_ended()

    async def start(self, window: Window, once: Once) -> None:
        """Starts it, to last `once`, instead of a started one of the same name. Raises
        WindowRefused, and StateUnusable if it has started, but is not on disk yet."""
        self.forget_ended()
        if any(one.name == window.name for one in self.maintenance.configured):
            raise WindowRefused(
                f"{window.name} is in the configuration: change it there, or choose another name"
            )
        others = self._without(window.name)
        if len(others) >= MOST:
            raise WindowRefused(f"limit of {MOST} windows reached: stop others")
        self.maintenance.replace_started((*others, window))
        log.info("maintenance window %s started for %s", window.name, ", ".join(window.probes))
        await self._store.keep_window(window, once)

    async def stop(self, name: str) -> None:
        """Ends it now. Raises KeyError if there is none of that name, WindowRefused if it is in the
        configuration, and StateUnusable if it has ended, but not on disk yet."""
        self.forget_ended()
        others = self._without(name)
        if len(others) == len(self.maintenance.started):
            if any(one.name == name for one in self.maintenance.configured):
                raise WindowRefused(f"{name} is in the configuration: remove it there, and reload")
            raise KeyError(name)
        self.maintenance.replace_started(others)
        log.info("maintenance window %s stopped", name)
        await self._store.forget_window(name)

    def forget_ended(self) -> None:
        """Forgets windows that are over. Call it periodically."""
        now, started = self._clock.wall(), self.maintenance.started
        lasting = tuple(one for one in started if one.schedule.occurrence(now))
        if len(lasting) < len(started):
            self.maintenance.replace_started(lasting)

    def _without(self, name: str) -> tuple[Window, ...]:
        return tuple(one for one in self.maintenance.started if one.name != name)
