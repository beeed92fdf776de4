"""What waits for a collector is bounded, and a collector that is down is reported once."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from exporter.config.tracing import TracingOptions
from exporter.core.facts import LateArrival
from exporter.core.model import Outcome, ProbeError, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.otlp.answer import Later, Rejection
from exporter.net.otlp.span import OtlpSpan
from exporter.tracing.exporter import (
    LINGER,
    LONGEST_PAUSE,
    MOST_BYTES,
    MOST_SPANS,
    QUIET,
    SPANS_IN_A_TURN,
    TIME_TO_STOP,
    Encode,
    Export,
    TraceExporter,
)
from tests.support import virtual_time as virtual
from tests.tracing.test_trip import FAILED, KEY, OUTCOME

OPTIONS = TracingOptions(endpoint="http://collector:4318")
DOWN = ProbeError(Reason.CONNECT, "cannot connect to collector:4318: connection refused")
NO_OTLP = ProbeError(Reason.PROTOCOL, "collector:4318 answered 404")
Answer = ProbeError | Rejection | float
"""A float: seconds until it answers."""


class Pretended:
    """A collector without a network, and the exporter in front of it."""

    def __init__(self, *answers: Answer, size: int = 100) -> None:
        self.clock = virtual.clock()
        self.answers = [*answers]
        self.size = size
        self.most = 0  # spans at once
        self.sent: list[tuple[float, str, int]] = []  # when, where, how many traces
        self.traces = TraceExporter(Resolver([]), self.clock, self.name, self.load)
        self.traces.configure(OPTIONS)

    @staticmethod
    def name(key: ProbeKey) -> str:
        return "someone"

    def load(self) -> tuple[Encode, Export]:
        return self.encoded, self.export

    def encoded(self, spans: Iterable[OtlpSpan], resource: Mapping[str, str]) -> bytes:
        some = [*spans]
        if some[0].attributes.get("mailtrip.trip") == "bug":
            raise ZeroDivisionError
        self.most = max(self.most, len(some))
        return b"x" * self.size

    async def export(
        self, options: TracingOptions, resolver: Resolver, request: bytes, clock: Clock
    ) -> Rejection:
        self.sent.append((clock.monotonic(), options.place, len(request) // self.size))
        answer = self.answers.pop(0) if self.answers else Rejection(0)
        if isinstance(answer, ProbeError):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return Rejection(0)
        return answer

    def finish(self, count: int = 1, outcome: Outcome = OUTCOME) -> None:
        for _ in range(count):
            self.traces.finished(outcome)

    @property
    def counts(self) -> tuple[int, dict[str, int]]:
        status = self.traces.status
        assert status
        return status.exported, {why: count for why, count in status.dropped.items() if count}

    async def close(self) -> None:
        await self.traces.close()


def run(course: virtual.Course[Pretended], *answers: Answer, size: int = 100) -> None:
    virtual.on_a(lambda: Pretended(*answers, size=size))(course)()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "tracing" in one.name]


def test_trips_that_end_together_are_sent_together() -> None:
    async def course(rig: Pretended) -> None:
        rig.finish(3)
        await asyncio.sleep(0.5 * LINGER)
        rig.finish(2)
        await asyncio.sleep(LINGER)
        rig.finish()
        await asyncio.sleep(2 * LINGER)
        assert [count for *_, count in rig.sent] == [5, 1]
        assert rig.counts == (6, {})

    run(course)


def test_a_request_has_a_size_and_many_are_sent_one_after_the_other() -> None:
    async def course(rig: Pretended) -> None:
        rig.finish(1000)
        await asyncio.sleep(10 * LINGER)
        assert max(count for *_, count in rig.sent) <= MOST_BYTES // rig.size + 1
        assert rig.counts == (1000, {})

    run(course, size=10_000)


def test_a_collector_that_is_down_is_reported_once_and_gets_it_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def course(rig: Pretended) -> None:
        rig.finish()
        await asyncio.sleep(600)
        pauses = [
            later[0] - sooner[0] for sooner, later in zip(rig.sent, rig.sent[1:], strict=False)
        ]
        assert pauses[:6] == pytest.approx([1, 2, 4, 8, 16, 32])
        assert max(pauses) == pytest.approx(LONGEST_PAUSE)
        assert rig.counts == (1, {})
        assert lines(caplog) == [
            f"traces cannot be exported: {DOWN.detail}; trips are not affected",
            "traces are exported to collector:4318 again; dropped: 0",
        ]

    run(course, *(DOWN,) * 10)


def test_a_collector_that_comes_and_goes_is_not_a_storm_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def course(rig: Pretended) -> None:
        until = rig.clock.monotonic() + 2 * QUIET
        while rig.clock.monotonic() < until:
            rig.finish()
            await asyncio.sleep(5 * LINGER)
        assert len(rig.sent) > 100
        assert 2 <= len(lines(caplog)) <= 6

    run(course, *(DOWN, Rejection(0)) * 200)


def test_the_newest_traces_wait_and_older_ones_are_dropped() -> None:
    async def course(rig: Pretended) -> None:
        rig.finish()
        await asyncio.sleep(1.5 * LINGER)  # it is on its way
        each = len(OUTCOME.spans) + 2
        fit = MOST_SPANS // each
        rig.finish(fit + 7)
        assert rig.counts == (0, {"queue_full": 7})
        await asyncio.sleep(100)
        assert rig.counts == (fit + 1, {"queue_full": 7})

    run(course, DOWN)


def test_what_a_collector_does_not_take_is_not_sent_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course(rig: Pretended) -> None:
        for _ in range(4):
            rig.finish()
            await asyncio.sleep(2 * LINGER)
        assert len(rig.sent) == 4
        assert rig.counts == (2, {"rejected": 2})
        assert lines(caplog) == [
            f"traces cannot be exported: {NO_OTLP.detail}; trips are not affected"
        ]

    run(course, NO_OTLP, Rejection(10_000, "no"), Rejection(1, "one is too old"))


def test_a_collector_says_when_to_come_again() -> None:
    async def course(rig: Pretended) -> None:
        rig.finish()
        await asyncio.sleep(100)
        first, second, third = (moment for moment, *_ in rig.sent)
        assert second - first == pytest.approx(20)
        assert third - second == pytest.approx(LONGEST_PAUSE), "an hour is too long"

    run(course, Later("busy", 20.0), Later("busy", 3600.0))


def test_one_that_does_not_answer_is_given_up_after_the_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course(rig: Pretended) -> None:
        rig.finish()
        await asyncio.sleep(20)
        (first, *_), (second, *_) = rig.sent
        assert second - first == pytest.approx(OPTIONS.timeout + 1)
        assert lines(caplog)[0].startswith(
            "traces cannot be exported: no answer from collector:4318 within 10 s"
        )

    run(course, 3600.0)


def test_another_endpoint_gets_what_waits_at_once() -> None:
    async def course(rig: Pretended) -> None:
        rig.finish()
        await asyncio.sleep(100)
        rig.traces.configure(TracingOptions(endpoint="http://other:4318"))
        now = rig.clock.monotonic()
        await asyncio.sleep(1)
        when, *rest = rig.sent[-1]
        assert when - now < 0.1
        assert rest == ["other:4318", 1]
        rig.traces.configure(None)
        rig.finish()
        rig.traces.late(KEY, OUTCOME.trip, LateArrival(0.0, None, "INBOX", (), ()))
        assert rig.traces.status is None
        count = len(rig.sent)
        await asyncio.sleep(100)
        assert len(rig.sent) == count

    run(course, *(DOWN,) * 7)


def test_only_failed_trips_are_sent_if_that_is_asked_for() -> None:
    async def course(rig: Pretended) -> None:
        rig.traces.configure(OPTIONS.model_copy(update={"trips": "failed"}))
        rig.finish(2)
        rig.finish(1, FAILED)
        rig.traces.late(KEY, OUTCOME.trip, LateArrival(0.0, None, "INBOX", (), ()))
        await asyncio.sleep(10)
        assert rig.counts == (2, {})

    run(course)


def test_what_waits_is_sent_when_mailtrip_stops_and_a_silent_collector_delays_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course(rig: Pretended) -> None:
        rig.finish(2)
        await asyncio.sleep(0)
        began = rig.clock.monotonic()
        await rig.traces.close()
        assert rig.clock.monotonic() - began <= TIME_TO_STOP
        rig.finish()
        await asyncio.sleep(100)
        assert len(rig.sent) == 1, "nothing begins after the end"

    run(course)
    assert not lines(caplog)
    run(course, 3600.0)
    run(course, DOWN)
    assert lines(caplog).count("mailtrip stops, and 2 traces were not exported") == 2


def test_a_bug_is_contained(caplog: pytest.LogCaptureFixture) -> None:
    async def course(rig: Pretended) -> None:
        rig.finish(1, replace(OUTCOME, trip="bug"))
        rig.finish()
        await asyncio.sleep(10)
        assert rig.counts == (1, {"rejected": 1})

    run(course)
    assert "a bug in mailtrip" in caplog.text


def test_each_trace_is_encoded_in_a_turn_of_its_own() -> None:
    """However many wait, other tasks run in between."""

    async def course(rig: Pretended) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.VirtualLoop)
        rig.finish(200)
        before = loop.turns
        await asyncio.sleep(10)
        assert loop.turns - before > 200
        rig.finish(1, replace(OUTCOME, spans=OUTCOME.spans * 30))
        rig.most = 0
        await asyncio.sleep(10)
        assert 0 < rig.most <= SPANS_IN_A_TURN
        assert rig.counts == (201, {})

    run(course)


@pytest.mark.slow
def test_without_tracing_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, exporter.commands.serve\n"
        "from exporter.settings import Settings; Settings.embedded()\n"
        "print({'opentelemetry', 'google'} & {name.split('.')[0] for name in sys.modules})"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert said == "set()\n"
