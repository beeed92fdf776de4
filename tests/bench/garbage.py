"""How long full garbage collections take, during which nothing else has a turn."""

import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def full_collections() -> Iterator[list[float]]:
    """The processor time of each one in the block, in seconds."""
    times: list[float] = []
    began = 0.0

    def watch(phase: str, info: Mapping[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.thread_time()
        elif info["generation"] == 2:
            times.append(time.thread_time() - began)

    gc.callbacks.append(watch)
    try:
        yield times
    finally:
        gc.callbacks.remove(watch)
