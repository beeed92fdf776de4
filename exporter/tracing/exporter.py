"""Sends the traces of finished trips to a collector, beside all trips.

What waits is bounded, and a collector that is down is reported once: no trip waits for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import inf
from socket import gethostname

from exporter import __version__
from exporter.config.tracing import TracingOptions
from exporter.core.facts import LateArrival
from exporter.core.model import Outcome, ProbeError, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.status import QUEUE_FULL, REJECTED, TraceStatus
from exporter.net.dns.resolver import Resolver
from exporter.net.otlp.answer import Later, Rejection
from exporter.net.otlp.span import OtlpSpan
from exporter.tracing.package import is_installed
from exporter.tracing.trip import TripTrace, late_spans

log = logging.getLogger(__name__)

MOST_SPANS = 20_000  # that wait, of about 500 trips
ENOUGH_SPANS = 2_000  # that are sent at once, without waiting for more
SPANS_IN_A_TURN = 100  # that are encoded: 2 ms of work
MOST_BYTES = 1 << 19  # of a request, without its last trace
LINGER = 1.0  # seconds in which trips that end are sent together
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds until a request is sent again
QUIET = 300.0  # seconds between two reports of a failure
TIME_TO_STOP = 1.0  # seconds for what waits when mailtrip stops

Spans = Callable[[], Iterator[OtlpSpan]]
Encode = Callable[[Iterable[OtlpSpan], Mapping[str, str]], bytes]
Export = Callable[[TracingOptions, Resolver, bytes, Clock], Awaitable[Rejection]]


def _load() -> tuple[Encode, Export]:
    from exporter.net.otlp.client import export
    from exporter.net.otlp.encoding import encoded

    return encoded, export


@dataclass(frozen=True, slots=True)
class Batch:
    """Traces in one request."""

    request: bytes
    traces: int
    spans: int


class TraceExporter:
    """Takes finished trips at any time, and sends them by itself. Without options it takes none.

    `name_of` returns the name of a probe. `load` returns what encodes and exports; it is called in
    a thread, once, since the packages take long to import.
    """

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        name_of: Callable[[ProbeKey], str],
        load: Callable[[], tuple[Encode, Export]] = _load,
    ) -> None:
        self.status: TraceStatus | None = None  # None: nothing is sent
        self._resolver = resolver
        self._clock = clock
        self._name_of = name_of
        self._load = load
        self._loaded: tuple[Encode, Export] | None = None
        self._options: TracingOptions | None = None
        self._waiting: deque[tuple[int, Spans]] = deque()  # with the number of spans
        self._spans = 0  # of all that wait
        self._batch: Batch | None = None  # in progress
        self._wake = Wake()  # with other options, and when mailtrip stops
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._reported = False  # that the collector does not take traces
        self._reported_at = -inf  # monotonic
        self._dropped_before = 0

    def configure(self, options: TracingOptions | None) -> None:
        """Sends to this collector from now on, also what waits; to none if there are no
        options."""
        if options == self._options:
            return
        self._options = options if options and is_installed() else None
        self._reported, self._reported_at = False, -inf
        if self._options is None:
            self.status, self._batch, self._spans = None, None, 0
            self._waiting.clear()
        else:
            self.status = self.status or TraceStatus()
        self._wake.ring()

    def covers(self, *, success: bool) -> bool:
        """Whether a trip that ends so is sent."""
        return self._options is not None and not (success and self._options.trips == "failed")

    def finished(self, outcome: Outcome, after: str = "") -> None:
        """Takes a finished trip, perhaps a recheck `after` another one."""
        if self.covers(success=outcome.success):
            trace = TripTrace(outcome, self._name_of(outcome.probe), after)
            self._take(trace.size, trace.spans)

    def late(self, probe: ProbeKey, trip: str, arrival: LateArrival) -> None:
        """Takes the arrival of a message whose trip has failed as overdue."""
        if self.covers(success=False):
            spans = partial(late_spans, trip, probe, self._name_of(probe), arrival)
            self._take(len(arrival.hops) + 1, spans)

    def _take(self, size: int, spans: Spans) -> None:
        if self._closing:
            return
        self._waiting.append((size, spans))
        self._spans += size
        while self._spans > MOST_SPANS:
            self._spans -= self._waiting.popleft()[0]
            self._drop(QUEUE_FULL)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="exporting traces")

    def _drop(self, why: str, traces: int = 1) -> None:
        if self.status:
            self.status.dropped[why] += traces

    async def close(self) -> None:
        """Sends what waits, within `TIME_TO_STOP`, unless the collector is down."""
        self._closing = True
        self._wake.set()
        if task := self._task:
            await asyncio.wait([task], timeout=TIME_TO_STOP)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        left = len(self._waiting) + (self._batch.traces if self._batch else 0)
        if left:
            log.warning("mailtrip stops, and %d traces were not exported", left)
            self._waiting.clear()
            self._batch = None

    async def _run(self) -> None:
        """Sends traces until none waits."""
        pause = FIRST_PAUSE
        try:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._load)
            encode, export = self._loaded
            while self._batch or self._waiting:
                if self._batch is None:
                    if self._spans < ENOUGH_SPANS:
                        await self._wake.sleep(LINGER)
                    self._batch = await self._next_batch(encode)
                wait = await self._send(export)
                if wait is None:
                    self._batch, pause = None, FIRST_PAUSE
                elif self._closing:
                    return
                else:
                    await self._wake.sleep(min(max(pause, wait), LONGEST_PAUSE))
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._task = None

    async def _next_batch(self, encode: Encode) -> Batch:
        """Encodes traces, a few spans in each turn of the event loop."""
        resource = _resource(self._options) if self._options else {}
        request, traces, spans = bytearray(), 0, 0
        while self._waiting and len(request) < MOST_BYTES:
            count, make = self._waiting.popleft()
            self._spans -= count
            try:
                made, whole = make(), bytearray()
                while some := [*islice(made, SPANS_IN_A_TURN)]:
                    whole += encode(some, resource)
                    await asyncio.sleep(0)
            except Exception:
                log.exception("a trace cannot be made: a bug in mailtrip")
                self._drop(REJECTED)
            else:
                request += whole
                traces, spans = traces + 1, spans + count
        return Batch(bytes(request), traces, spans)

    async def _send(self, export: Export) -> float | None:
        """Returns in how many seconds to send the batch again, at the earliest; None if it is
        done."""
        options, batch = self._options, self._batch
        if options is None or batch is None or not batch.traces:
            return None
        try:
            async with asyncio.timeout(options.timeout):
                rejection = await export(options, self._resolver, batch.request, self._clock)
        except TimeoutError:
            self._report(f"no answer from {options.place} within {options.timeout:g} s")
            return 0.0
        except ProbeError as error:
            self._report(error.detail)
            if error.reason is Reason.PROTOCOL:
                self._drop(REJECTED, batch.traces)
                return None
            return error.seconds if isinstance(error, Later) else 0.0
        except Exception:
            self._drop(REJECTED, batch.traces)
            log.exception("traces cannot be exported: a bug in mailtrip")
            return None
        self._answered(options, batch, rejection)
        return None

    def _answered(self, options: TracingOptions, batch: Batch, rejection: Rejection) -> None:
        """The collector has taken the batch, at least in part."""
        if rejection.spans >= batch.spans:
            self._drop(REJECTED, batch.traces)
        elif self.status:
            self.status.exported += batch.traces
        if rejection.spans:
            words = f": {rejection.words}" if rejection.words else ""
            self._report(f"{options.place} has not taken {rejection.spans} spans{words}")
        elif self._reported:
            self._reported = False
            dropped = self._dropped - self._dropped_before
            log.info("traces are exported to %s again; dropped: %d", options.place, dropped)

    @property
    def _dropped(self) -> int:
        return sum(self.status.dropped.values()) if self.status else 0

    def _report(self, problem: str) -> None:
        """Logs a failure once, and not again soon after it was over."""
        now = self._clock.monotonic()
        if not self._reported and now >= self._reported_at + QUIET:
            self._reported, self._reported_at, self._dropped_before = True, now, self._dropped
            log.warning("traces cannot be exported: %s; trips are not affected", problem)


def _resource(options: TracingOptions) -> Mapping[str, str]:
    """What OpenTelemetry calls a resource: this exporter."""
    own = {"service.version": __version__, "host.name": gethostname()}
    return {"service.name": options.service_name} | own | options.resource
