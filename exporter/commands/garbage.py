"""The garbage collector of a process with very many objects that stay."""

import asyncio
import gc
from collections.abc import Mapping

# Objects more than before, and collections of the younger ones: each third one is a full one, and
# looks at about twelve thousand. With Python's 700 objects, each is looked at more often.
THRESHOLDS = 4000, 0, 0
LOOK_EVERY = 60.0  # seconds
GROWTH = 2.0  # of what is frozen, since everything was looked at


class GarbageCollector:
    """Keeps full collections short: what survives one is frozen, so the next does not look at it
    again.

    A full collection over all objects of ten thousand probes would hold up the event loop for
    hundreds of milliseconds, and trips would cause one every few seconds. Frozen objects are freed
    as any other when nothing refers to them; those that only refer to each other stay until the
    next `collect`: after a reload, or when there are twice as many.
    """

    def __init__(self) -> None:
        self._frozen = 0  # after everything was looked at

    def start(self) -> None:
        """Freezes all objects so far, and enables collections, which the command line has
        disabled."""
        gc.freeze()
        self._frozen = gc.get_freeze_count()
        gc.callbacks.append(self._freeze)
        gc.set_threshold(*THRESHOLDS)
        gc.enable()

    def stop(self) -> None:
        gc.callbacks.remove(self._freeze)

    async def run(self) -> None:
        """Frees what is frozen and unreachable, before that doubles the memory. Runs until it is
        cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()

    def look(self) -> None:
        if gc.get_freeze_count() > GROWTH * self._frozen:
            self.collect()

    def collect(self) -> None:
        """Looks at everything, which takes long."""
        gc.unfreeze()
        gc.collect()
        gc.collect()  # Python waits for a quarter more objects than the last one has left
        self._frozen = gc.get_freeze_count()

    def _freeze(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            gc.freeze()
