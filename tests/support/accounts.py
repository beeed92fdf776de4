"""The account of a probe, made up."""

from exporter.core.availability.account import ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage
from exporter.core.model import ProbeKey

DAY = 86400.0


def account(probe: ProbeKey, *outages: Outage, down: float = 0.0, late: int = 0) -> ProbeAccount:
    """Of a day with 100 trips, three of which failed."""
    return ProbeAccount(
        probe, 0.0, DAY, 100, 3, 2, 1, late, 1, outages, Downtime(DAY, down, 0.0), ()
    )
