"""The rows of the start page about mailboxes: whether each works, since when, and when it is tried
next."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from exporter.core.timing.when import later
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.watcher.back_off import Trouble
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.time_zone import TimeZone

MOST_MAILBOXES = 100  # of a page; those that fail come first


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A mailbox, and whether it is connected."""

    name: str
    place: str  # its server and port, or directory
    state: str
    word: str
    since: float | None  # seconds since the epoch
    text: str  # why it fails
    next_attempt: str  # when; empty while it works
    waiting: int  # trips
    messages: int | None
    deleted: int
    reconnects: int


def mailbox_rows(
    mailboxes: Mapping[str, Watcher],
    options: Mapping[str, MailboxOptions],
    now: float,
    zone: TimeZone,
    page: int = 1,
) -> list[MailboxRow]:
    """The rows of this page at Unix time `now`, those in trouble first; otherwise in the order of
    the configuration."""
    watchers = sorted(mailboxes.values(), key=lambda watcher: watcher.trouble is None)
    return [
        mailbox_row(watcher, options.get(watcher.name), now, zone)
        for watcher in watchers[(page - 1) * MOST_MAILBOXES : page * MOST_MAILBOXES]
    ]


def mailbox_row(
    watcher: Watcher, options: MailboxOptions | None, now: float, zone: TimeZone
) -> MailboxRow:
    """The row at Unix time `now`."""
    known, trouble = watcher.statistics, watcher.trouble
    word, state, since = "not connected", PLAIN, watcher.connected_since
    if trouble:
        word, state, since = "failing", BAD, trouble.since
    elif since is not None:
        word, state = "connected", GOOD
    return MailboxRow(
        watcher.name,
        options.how.place if options else "",
        state,
        word,
        since,
        str(trouble.error) if trouble else "" if since else "no trip needs it now",
        _next_attempt(watcher, trouble, now, zone) if trouble else "",
        watcher.waiting,
        known.messages,
        known.deleted,
        known.reconnects,
    )


def _next_attempt(watcher: Watcher, trouble: Trouble, now: float, zone: TimeZone) -> str:
    """There is no attempt while no trip waits."""
    at, due = trouble.next_at_wall, trouble.next_at_wall <= now
    when = Markup("{} ({})").format(zone.moment(at), later(at - now))
    if watcher.waiting or watcher.receives:
        sooner = ", or with the next trip" if trouble.may_be_sooner else ""
        planned = Markup("at {}{}").format(when, sooner)
        return "now" if due else planned
    if due or trouble.may_be_sooner:
        return "with the next trip"
    return Markup("with a trip, not before {}").format(when)
