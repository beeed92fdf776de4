"""A mailtrip in this process, as `serve` has it: with its state on the disk, and a log."""

import gc
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.app import App
from exporter.commands.garbage import GarbageCollector
from exporter.commands.lifecycle import SWITCH_INTERVAL
from exporter.core.logs import log_to_stderr
from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.core.timing.lateness import Lateness
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.bench.load import Trip


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[App]:
    """Nobody reads its log."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    place = TemporaryDirectory(prefix="mailtrip-bench-", dir="/var/tmp")
    with place as directory, _logging(), Lateness() as lateness:
        store, clock = Store.open(Path(directory)), Clock(late=lateness.between)
        async with App(settings, store, new_key(), clock=clock) as app:
            collector = GarbageCollector()
            collector.start()
            collector.collect()
            yield app
            collector.stop()
        gc.unfreeze()


def trip_of(app: App, key: ProbeKey) -> Trip:
    """What makes a trip of that probe."""
    probe = app.probes.get_or_create(key)

    async def trip() -> bool:
        return (await app.prober.start(probe)).success

    return trip


@contextmanager
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = [*root.handlers]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        with redirect_stderr(nowhere):
            log_to_stderr("INFO")
        try:
            yield
        finally:
            for handler in set(root.handlers).difference(before):
                root.removeHandler(handler)
