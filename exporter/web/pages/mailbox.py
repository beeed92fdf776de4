"""The data of the page of one mailbox: how it is, which probes wait for it, and which of them fail
because of it."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from operator import attrgetter
from urllib.parse import urlencode

from exporter.config.server import ServerOptions
from exporter.core.model import Outcome
from exporter.core.phases import Leg
from exporter.core.timing.fairness import in_turns
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.probe import Probe
from exporter.settings import Settings
from exporter.web.pages.mailboxes import MailboxRow, mailbox_row
from exporter.web.pages.probe_link import ProbeLink
from exporter.web.pages.time_zone import TimeZone

MOST_PROBES = 50  # that are named
MOST_FAILURES = 20  # of probes that are shown: the newest
AT_A_TIME = 200  # probes that are looked at before others have their turn: a millisecond of work


@dataclass(frozen=True, slots=True)
class MailboxFailure:
    """A probe whose newest trip failed at this mailbox."""

    probe: ProbeLink
    newest: Outcome


@dataclass(slots=True)
class MailboxPage:
    """One mailbox."""

    row: MailboxRow
    facts: list[tuple[str, str]]  # of its options: a name, and a text without secrets
    receives: bool  # others deliver to it
    last_attempt: float | None  # in seconds since the epoch, while it fails
    api: str  # the address of its description in JSON, relative to the start page
    known: int = 0  # probes that wait for it
    named: list[ProbeLink] = field(default_factory=list)  # some of them
    failing: int = 0  # because of it
    failures: list[MailboxFailure] = field(default_factory=list)  # the newest of them


async def mailbox_page(
    watchers: Mapping[str, Watcher],
    name: str,
    settings: Settings,
    probes: Iterable[Probe],
    now: float,
    zone: TimeZone,
) -> MailboxPage:
    """The page of one of the `watchers` at Unix time `now`."""
    watcher, options = watchers[name], settings.mailboxes.get(name)
    page = MailboxPage(
        mailbox_row(watcher, options, now, zone),
        _facts(options) if options else [],
        watcher.receives,
        watcher.trouble.at_wall if watcher.trouble else None,
        f"api/v1/mailboxes?{urlencode({'limit': 1, 'offset': list(watchers).index(name)})}",
    )
    modules = {one for one, module in settings.modules.items() if name in module.mailboxes}
    newest = await _take_probes(page, name, modules, probes)
    page.failing = len(newest)
    newest.sort(key=attrgetter("newest.started_at"), reverse=True)
    page.failures = newest[:MOST_FAILURES]
    return page


async def _take_probes(
    page: MailboxPage, name: str, modules: Set[str], probes: Iterable[Probe]
) -> list[MailboxFailure]:
    """Notes the probes that wait for the mailbox, and returns the failures of those that it made
    fail."""
    found: list[MailboxFailure] = []
    async for probe in in_turns(probes, AT_A_TIME):
        if probe.key.module not in modules:
            continue
        page.known += 1
        if len(page.named) < MOST_PROBES:
            page.named.append(ProbeLink.to(probe))
        if probe.mailbox == name and (failed := _failed_at_mailbox(probe.newest)):
            found.append(MailboxFailure(ProbeLink.to(probe), failed))
    return found


def _failed_at_mailbox(newest: Outcome | None) -> Outcome | None:
    if not (newest and newest.failure):
        return None
    return newest if newest.failure.reason.blames(newest.failure.phase) is Leg.MAILBOX else None


def _facts(options: MailboxOptions) -> list[tuple[str, str]]:
    how = options.how
    facts = [("protocol", options.chosen[0]), ("place", how.place)]
    if isinstance(how, ServerOptions):
        facts.append(("TLS", how.tls_mode))
        nobody = "that of the client certificate" if how.client_certificate else "no login"
        facts.append(("user", how.username or nobody))
    if how.reception:
        facts.append(("recipients", ", ".join(how.reception.recipients[:MOST_PROBES])))
    return facts
