"""The account of a month as a document of its own, to send or to print."""

from collections.abc import Sequence
from heapq import merge

from exporter import __version__
from exporter.core.account import Month, ProbeAccount
from exporter.core.account_output import Name, called
from exporter.web.pages import STYLE, templates
from exporter.web.pages.outages import OutageView
from exporter.web.pages.report import FIGURES, AccountView
from exporter.web.pages.time_zone import UTC_ZONE


def document(month: Month, accounts: Sequence[ProbeAccount], name: Name, now: float) -> str:
    """The document, with its style. `now` is in seconds since the epoch."""
    views = [AccountView(one, name) for one in accounts]
    outages = merge(*(one.outages for one in accounts), key=lambda outage: outage.start)
    return (
        templates(UTC_ZONE)
        .get_template("report_document.html")
        .render(
            style=STYLE,
            version=__version__,
            now=now,
            month=month,
            views=views,
            links=False,
            outages=[OutageView(one, called(one.probe, name), now) for one in outages],
            **FIGURES,
        )
    )
