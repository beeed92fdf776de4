"""The account of a month as a document of its own, to send or to print."""

from collections.abc import Sequence

from exporter import __version__
from exporter.core.account import Month, ProbeAccount
from exporter.terminal.report import QUANTILES, Name, percent, seconds, shown
from exporter.web.pages import STYLE, templates


def document(month: Month, accounts: Sequence[ProbeAccount], name: Name, now: float) -> str:
    """The document, with its style. `now` is in seconds since the epoch."""
    return (
        templates()
        .get_template("report.html")
        .render(
            style=STYLE,
            version=__version__,
            now=now,
            month=month,
            rows=[(shown(one.probe, name), one) for one in accounts],
            quantiles=QUANTILES,
            percent=percent,
            seconds=seconds,
        )
    )
