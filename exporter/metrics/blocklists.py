"""Outcome → series, for a probe that queries blocklists."""

from exporter.blocklists.list_status import QueryFailure
from exporter.core.availability.outage import Standing
from exporter.core.model import Listing, ListState, Outcome, QueriedList
from exporter.metrics.definitions import BLOCKLIST_FAILURES, OF_A_BLOCKLIST_CHECK
from exporter.metrics.outcome import FIRST, ProbeSeries
from exporter.metrics.series import Labels


class BlocklistSeries(ProbeSeries):
    """The series of a probe that queries these blocklists."""

    __slots__ = ()

    def __init__(self, blocklists: tuple[str, ...]) -> None:
        super().__init__(OF_A_BLOCKLIST_CHECK, BLOCKLIST_FAILURES)
        for blocklist in blocklists:
            for failure in QueryFailure:
                self.add("mailtrip_dnsbl_query_failures_total", 0, blocklist, failure)

    def finished(
        self, outcome: Outcome, standing: Standing = FIRST, *, traced: bool = False
    ) -> None:
        for asked in _list_facts(outcome):
            for duration in asked.durations:
                self.observe("mailtrip_dnsbl_query_duration_seconds", duration)
            for failure in asked.failures:
                self.add("mailtrip_dnsbl_query_failures_total", 1, asked.blocklist, failure)
        super().finished(outcome, standing)

    def show(self, outcome: Outcome) -> None:
        """Replaces all values of earlier trips: the status of an address that is no longer queried
        is unknown."""
        super().show(outcome)
        known = [
            fact
            for fact in outcome.facts
            if isinstance(fact, Listing) and fact.state is not ListState.UNKNOWN
        ]
        listed: dict[Labels, float] = {
            (one.blocklist, one.subject): float(one.state is ListState.LISTED) for one in known
        }
        codes: dict[Labels, float] = {
            (one.blocklist, one.subject, code): 1.0 for one in known for code in one.codes
        }
        self.replace("mailtrip_dnsbl_listed", listed)
        self.replace("mailtrip_dnsbl_code_info", codes)
        usable: dict[Labels, float] = {
            (asked.blocklist,): float(asked.usable) for asked in _list_facts(outcome)
        }
        self.replace("mailtrip_dnsbl_list_usable", usable)


def _list_facts(outcome: Outcome) -> list[QueriedList]:
    return [fact for fact in outcome.facts if isinstance(fact, QueriedList)]
