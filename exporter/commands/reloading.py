"""Reloads the configuration on request, one reload at a time."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from exporter.config.mistakes import Mistakes
from exporter.core.timing.clock import Clock
from exporter.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds between two looks at the files


class ReloadObserver(Protocol):
    """Is called after each reload."""

    def configured(self, moment: float) -> None: ...
    def not_configured(self) -> None: ...


class Reloader:
    """`read` reads the settings, in a thread, and `apply` applies them; both raise Mistakes.

    Set `wanted` to request a reload; requests before it begins are combined. `state` returns a
    value that changes with the files, and `as_read` is its value when the current settings were
    read. Files are polled, so a ConfigMap, whose files are links to links, and a network file
    system need no special handling.
    """

    def __init__(
        self,
        read: Callable[[], Settings],
        apply: Callable[[Settings], None],
        observer: ReloadObserver,
        clock: Clock,
        wanted: asyncio.Event,
        state: Callable[[], object] = lambda: None,
        as_read: object = None,
    ) -> None:
        self._read = read
        self._apply = apply
        self._observer = observer
        self._clock = clock
        self._state = state
        self._as_read = as_read
        self._wanted = wanted
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> None:
        """Reloads now, or after a reload in progress. Raises Mistakes: then nothing has changed."""
        async with self._one_at_a_time:
            try:
                self._apply(await asyncio.to_thread(self._read))
            except Mistakes as mistakes:
                self._observer.not_configured()
                log.error(
                    "reload failed, keeping the previous configuration: %s",
                    "; ".join(str(mistakes).splitlines()),
                )
                raise
            except Exception:
                self._observer.not_configured()
                log.exception(
                    "reload failed, keeping the previous configuration: a bug in mailtrip"
                )
                raise
            self._observer.configured(self._clock.wall())
            log.info("configuration reloaded")

    async def run(self, *, watch: bool = False) -> None:
        """Reloads on request; with `watch` also when files change. Runs until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer())
            if watch:
                group.create_task(self._watch())

    async def _answer(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            with contextlib.suppress(Exception):  # it is in the log
                await self.reload()

    async def _watch(self) -> None:
        """Polls the files. One that is being written is read only after two checks see the same
        state."""
        read = seen = self._as_read
        while True:
            await asyncio.sleep(LOOK_EVERY)
            before, seen = seen, await asyncio.to_thread(self._state)
            if seen == before and seen != read:
                read = seen
                self._wanted.set()
