"""Outcome → series. The series of every probe."""

from collections.abc import Iterable

from exporter.core.availability.outage import Standing
from exporter.core.matrix import Cell
from exporter.core.model import Outcome, ProbeKey
from exporter.metrics.definitions import OF_EVERY_PROBE, ONLY_ON_PROBE, Definition
from exporter.metrics.series import Labels, Series

FIRST = Standing()
_INFO = "mailtrip_probe_info"


class ProbeSeries(Series):
    """The series of one probe: those of every kind of probe, and the `definitions` of its kind."""

    __slots__ = ("_mailbox", "_probe")

    def __init__(
        self, definitions: tuple[Definition, ...] = (), failures: Iterable[Labels] = ()
    ) -> None:
        super().__init__((*ONLY_ON_PROBE, *OF_EVERY_PROBE, *definitions))
        self._probe: ProbeKey | None = None  # what it is, if it is shown
        self._mailbox = ""
        for labels in failures:
            self.add("mailtrip_failures_total", 0, *labels)

    def finished(
        self, outcome: Outcome, standing: Standing = FIRST, *, traced: bool = False
    ) -> None:
        """Counts a trip, and shows it if it is the newest. One that follows a failure sooner than
        usual is not counted: a minute of failures would weigh as much as five of success. One that
        ended in a window of maintenance is counted apart."""
        if not outcome.recheck:
            self._count(outcome)
        self.stand(standing)
        if standing.newest:
            self.show(outcome)
        elif outcome.success:
            self._show_success(outcome)

    def _count(self, outcome: Outcome) -> None:
        if outcome.planned:
            self.add("mailtrip_planned_trips_total", 1)
            self.add("mailtrip_planned_failures_total", 0 if outcome.success else 1)
            return
        self.add("mailtrip_trips_total", 1)
        if outcome.failure:
            place = outcome.failure.phase, outcome.failure.reason
            self.add("mailtrip_failures_total", 1, *place)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The mailboxes in which the probe awaits messages, by name."""
        return ()

    def identify(self, probe: ProbeKey) -> None:
        """Shows what the probe is, for queries that join it with other series."""
        mailbox = next(iter(self.mailboxes), "")
        if (probe, mailbox) != (self._probe, self._mailbox):
            self._probe, self._mailbox = probe, mailbox
            self._changed(_INFO)

    def place(self, cell: Cell | None) -> None:
        """Shows the place of the probe in a matrix, if it is of one."""
        place: dict[Labels, float] = {}
        if cell:
            place[cell.matrix, cell.sender, cell.recipient] = 1.0
        self.replace("mailtrip_matrix_info", place)

    def numbers(self, name: str) -> dict[Labels, float]:
        """Makes the labels of a probe when they are written: no two probes share them."""
        if name == _INFO and self._probe:
            return {(self._probe.module, self._probe.target, self._mailbox): 1.0}
        return super().numbers(name)

    def maintain(self, lasts: bool | None) -> None:
        """Shows whether the probe is in a window of maintenance; nothing if None: there is no
        window for it."""
        if lasts is None:
            self.leave_out("mailtrip_maintenance")
            return
        self.ensure("mailtrip_maintenance", float(lasts))
        for name in ("mailtrip_planned_trips_total", "mailtrip_planned_failures_total"):
            self.ensure(name)
        for name in ("mailtrip_outages_total", "mailtrip_outage_seconds_total"):
            self.ensure(name, None, "true")  # increase() does not see a first value above 0

    def stand(self, standing: Standing) -> None:
        """Shows what all trips together say."""
        self.update("mailtrip_consecutive_failures", standing.failures)
        if standing.outage_start is None:
            self.leave_out("mailtrip_outage_start_timestamp_seconds")
        else:
            self.update("mailtrip_outage_start_timestamp_seconds", standing.outage_start)
        for planned, label in ((False, "false"), (True, "true")):
            self.update("mailtrip_outages_total", standing.ended[planned], label)
            self.update("mailtrip_outage_seconds_total", standing.seconds[planned], label)

    def show(self, outcome: Outcome) -> None:
        """Sets only the gauges: what is known about the newest trip after a restart."""
        self.set("probe_success", float(outcome.success))
        self.set("probe_duration_seconds", outcome.duration)
        self.set("mailtrip_success", float(outcome.success))
        self.set("mailtrip_last_trip_timestamp_seconds", outcome.finished_at)
        if outcome.success:
            self._show_success(outcome)
        failure = outcome.failure
        info: dict[Labels, float] = {}
        if failure:
            info[failure.phase, failure.step or "", failure.reason, failure.code] = 1.0
        self.replace("mailtrip_last_failure_info", info)

    def _show_success(self, outcome: Outcome) -> None:
        self.set("mailtrip_last_success_timestamp_seconds", outcome.finished_at)
