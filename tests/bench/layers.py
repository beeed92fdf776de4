"""Where the processor time of trips goes, by layer, from samples of the stack."""

import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Self

import exporter

INTERVAL = 0.001  # seconds of processor time between two samples
BENCH = str(Path(__file__).parent)
HOME = str(Path(exporter.__file__).parent)
LIBRARIES = ("aiosmtplib/", "aioimaplib/", "aiohappyeyeballs/", "inotify_simple.py", "dns/")
ASYNCIO = ("/asyncio/", "/selectors.py")
FINER = ("net/smtp", "net/imap")  # the packages below a layer that are shown alone
REST = "the bench itself"
OTHER_THREADS = "other threads (state)"


class Layers:
    """Samples the main thread while it is entered; `seconds` has the time of each layer.

    What a layer calls in the standard library is its own time, except for asyncio, which has a row.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def __enter__(self) -> Self:
        self._process, self._thread = time.process_time(), time.thread_time()
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        process, thread = time.process_time(), time.thread_time()
        ours = thread - self._thread
        self.seconds[layer_at(frame)] += ours
        self.seconds[OTHER_THREADS] += max(process - self._process - ours, 0.0)
        self._process, self._thread = process, thread


def layer_at(frame: FrameType | None) -> str:
    """The layer of the innermost frame that has one."""
    while frame:
        if layer := layer_of(frame.f_code.co_filename):
            return layer
        frame = frame.f_back
    return REST


def layer_of(filename: str) -> str:
    """The layer of a file; empty for the rest of the standard library."""
    with suppress(ValueError):
        package = Path(filename).relative_to(HOME).parent.as_posix()
        finer = [name for name in FINER if package.startswith(name)]
        return finer[0] if finer else package.partition("/")[0]
    if any(f"/{name}" in filename for name in LIBRARIES):
        return "libraries"
    if filename.startswith(BENCH):
        return REST
    return "asyncio" if any(part in filename for part in ASYNCIO) else ""
