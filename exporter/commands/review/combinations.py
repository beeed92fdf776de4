"""Options that are valid separately, and never work together."""

from collections.abc import Iterator

from exporter.checks.module import Module
from exporter.checks.options import RoundtripOptions
from exporter.config.finding import Finding
from exporter.config.mistakes import Path
from exporter.config.types import duration_text
from exporter.settings import Settings


def of_combinations(settings: Settings) -> Iterator[Finding]:
    """Conflicts between a module and its mailboxes, and between a module's own options."""
    for name, module in settings.modules.items():
        if trip := module.roundtrip:
            path = ("modules", name)
            yield from _of_deadlines(path, module, trip)
            yield from _of_sending(path, module, trip)
            yield from _of_the_mailbox(path, settings, module, trip)
            yield from _of_bounces(path, settings, trip)


def _of_deadlines(path: Path, module: Module, trip: RoundtripOptions) -> Iterator[Finding]:
    if module.session_timeout >= module.timeout:
        text = (
            f"is not longer than session_timeout, {duration_text(module.session_timeout)}:"
            " when a server does not answer, the trip ends before the session, and its"
            " failure does not show the cause: increase it"
        )
        yield Finding((*path, "timeout"), text, warning=True)


def _of_sending(path: Path, module: Module, trip: RoundtripOptions) -> Iterator[Finding]:
    (kind, _), how = trip.send.chosen, trip.send.how
    if how.gap and how.gap > module.interval:
        text = (
            f"is longer than the module's interval, {duration_text(module.interval)}: trips"
            " wait, and run less often"
        )
        yield Finding((*path, "roundtrip", "send", kind, "gap"), text, warning=True)
    for finding in how.review(module.timeout):
        yield finding.below(*path, "roundtrip", "send", kind)


def _of_the_mailbox(
    path: Path, settings: Settings, module: Module, trip: RoundtripOptions
) -> Iterator[Finding]:
    if trip.mailbox:
        mailbox = settings.mailboxes[trip.mailbox].how
        for finding in mailbox.review(trip.mailbox, module.timeout, trip.size or 0):
            yield finding.below(*path)


def _of_bounces(path: Path, settings: Settings, trip: RoundtripOptions) -> Iterator[Finding]:
    if trip.bounces and not settings.mailboxes[trip.bounces].how.takes(trip.sender):
        text = (
            f"the mailbox does not accept mail for {trip.sender}, which receives the bounces:"
            " add it to the recipients"
        )
        yield Finding((*path, "roundtrip", "bounces"), text, warning=True)
