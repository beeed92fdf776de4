"""How severe the state of a probe is, and why, in words."""

from dataclasses import dataclass

from exporter.commands.status.probe_status import Newest, ProbeStatus
from exporter.core.reasons import severity_of
from exporter.core.severity import Severity
from exporter.core.timing.durations import duration, in_units
from exporter.core.timing.when import ago, utc

STALE_AFTER = 3  # intervals, and a timeout, without a trip that finished; see MailtripNoRecentTrip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the delay of a message may be, in seconds; None: it does not matter."""

    warning: float | None = None
    critical: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A probe at a moment, in seconds since the epoch."""

    probe: ProbeStatus
    now: float
    severity: Severity
    words: str  # why, in one line
    brief: str  # the same among others

    @property
    def age(self) -> float | None:
        """Seconds since its newest trip ended."""
        newest = self.probe.newest
        return None if newest is None else max(self.now - newest.finished_at, 0.0)

    @property
    def delay(self) -> float | None:
        """Seconds that its newest message took."""
        newest = self.probe.newest
        return None if newest is None or newest.reason else newest.delay


def judge(probe: ProbeStatus, now: float, thresholds: Thresholds) -> Judgement:
    severity, words, brief = _judged(probe, now, thresholds)
    if probe.maintenance:
        ends = probe.maintenance_ends_at
        until = f" until {utc(ends)}" if ends is not None else ""
        severity = Severity.OK
        words = f"planned maintenance ({probe.maintenance}){until}, {words}"
        brief = f"planned maintenance{until}"
    return Judgement(probe, now, severity, words, brief or words)


def _judged(probe: ProbeStatus, now: float, thresholds: Thresholds) -> tuple[Severity, str, str]:
    """The severity without regard to maintenance, why, and the same in a few words."""
    newest = probe.newest
    if newest is None:
        running = ", the first one is in progress" if probe.in_progress else ""
        return Severity.UNKNOWN, f"no trip has finished yet{running}", ""
    age = max(now - newest.finished_at, 0.0)
    if probe.interval and age > STALE_AFTER * probe.interval + probe.timeout:
        stale = f"the newest trip ended {ago(age)}"
        every = f"though one is due every {in_units(probe.interval)}"
        last = f", and it failed: {newest.cause}" if newest.reason else ""
        return Severity.UNKNOWN, f"{stale}, {every}{last}", stale
    if newest.reason:
        severity = severity_of(newest.phase, newest.reason)
        return severity, _failing(probe, newest, now), newest.cause
    if newest.delay is None:
        return Severity.OK, f"the trip that ended {ago(age)} succeeded", ""
    took = f"the message took {duration(newest.delay)}"
    for severity, most in (
        (Severity.CRITICAL, thresholds.critical),
        (Severity.WARNING, thresholds.warning),
    ):
        if most is not None and newest.delay > most:
            late = f"{took}, more than {duration(most)}"
            return severity, f"{late}, and came {ago(age)}", late
    return Severity.OK, f"{took}, and came {ago(age)}", ""


def _failing(probe: ProbeStatus, newest: Newest, now: float) -> str:
    lasting = ""
    if probe.since is not None:
        lasting = f" for {in_units(max(now - probe.since, 0.0))}"
    if probe.failures is not None and probe.failures > 1:
        lasting += f" ({probe.failures} trips)"
    detail = f": {newest.detail}" if newest.detail else ""
    return f"failing{lasting}: {newest.cause}{detail}"
