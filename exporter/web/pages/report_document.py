"""The account of a month as a document of its own, to send or to print."""

from collections.abc import Sequence

from exporter import __version__
from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.account_output import Name, Watched
from exporter.web.pages.appearance import STYLE, templates
from exporter.web.pages.report import FIGURES, AccountView, outages_of
from exporter.web.pages.time_zone import UTC_ZONE


def document(
    month: Month, accounts: Sequence[ProbeAccount], name: Name, watched: Watched, now: float
) -> str:
    """The document, with its style. `now` is in seconds since the epoch."""
    views = [AccountView(one, name) for one in accounts]
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
            outages=[*outages_of(accounts, name, watched, now)],
            **FIGURES,
        )
    )
