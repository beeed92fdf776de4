"""Options that are good each, and never together."""

from collections.abc import Iterator

from exporter.checks.options import RoundtripOptions
from exporter.commands.review.findings import Finding
from exporter.config.mistakes import Path
from exporter.config.types import duration_text, size_text
from exporter.settings import Module, Settings


def of_combinations(settings: Settings) -> Iterator[Finding]:
    """Between a module and its mailboxes, and between a module's own options."""
    for name, module in settings.modules.items():
        if trip := module.roundtrip:
            path = ("modules", name)
            yield from _of_deadlines(path, module, trip)
            yield from _of_the_mailbox(path, settings, module, trip)
            yield from _of_bounces(path, settings, trip)


def _of_deadlines(path: Path, module: Module, trip: RoundtripOptions) -> Iterator[Finding]:
    if module.session_timeout >= module.timeout:
        text = (
            f"is not longer than session_timeout, {duration_text(module.session_timeout)}: when a"
            " server does not answer, the trip ends before the session does, and its failure does"
            " not name the cause: make it longer"
        )
        yield Finding((*path, "timeout"), text, warning=True)
    kind, send = trip.send.chosen
    if send.gap and send.gap > module.interval:
        text = (
            f"is longer than the module's interval, {duration_text(module.interval)}: trips wait,"
            " and come less often"
        )
        yield Finding((*path, "roundtrip", "send", kind, "gap"), text, warning=True)
    if (
        trip.send.mx
        and "retry_after" in trip.send.mx.model_fields_set
        and trip.send.mx.retry_after >= module.timeout
    ):
        text = (
            f"is not shorter than the module's timeout, {duration_text(module.timeout)}: nothing is"
            " ever sent again"
        )
        yield Finding((*path, "roundtrip", "send", "mx", "retry_after"), text, warning=True)


def _of_the_mailbox(
    path: Path, settings: Settings, module: Module, trip: RoundtripOptions
) -> Iterator[Finding]:
    mailbox = settings.mailboxes[trip.mailbox] if trip.mailbox else None
    if mailbox and mailbox.smtpd and trip.size and trip.size > mailbox.smtpd.max_message_size:
        largest = size_text(mailbox.smtpd.max_message_size)
        text = (
            f"is larger than max_message_size of the mailbox {trip.mailbox}, {largest}: it refuses"
            " every message"
        )
        yield Finding((*path, "roundtrip", "size"), text)
    if mailbox and mailbox.pop3 and mailbox.pop3.poll_interval >= module.timeout:
        text = (
            f"is not longer than poll_interval of the mailbox {trip.mailbox}:"
            " the mailbox is not looked at a second time before it ends"
        )
        yield Finding((*path, "timeout"), text)


def _of_bounces(path: Path, settings: Settings, trip: RoundtripOptions) -> Iterator[Finding]:
    receiver = settings.mailboxes[trip.bounces].smtpd if trip.bounces else None
    if receiver and trip.sender.lower() not in {
        recipient.lower() for recipient in receiver.recipients
    }:
        text = (
            f"the mailbox takes no mail for {trip.sender}, where bounces go: add it to its"
            " recipients"
        )
        yield Finding((*path, "roundtrip", "bounces"), text, warning=True)
