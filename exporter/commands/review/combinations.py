"""Options that are valid separately, and never work together."""

from collections.abc import Iterator
from typing import cast

from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.module import Module
from exporter.checks.options import RoundtripOptions
from exporter.config.address import PLACEHOLDER, TRIP_PLACE
from exporter.config.finding import Finding
from exporter.config.grammar import domain_of, email_of
from exporter.config.mistakes import Path
from exporter.config.types import duration_text, size_text
from exporter.core.reasons import Reason
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.kind import MailboxKind
from exporter.mailboxes.session import READ_LIMIT
from exporter.settings import Settings

HEADERS_OF_SERVERS = 16 << 10  # bytes that they add to a message, Microsoft 365 the most


def of_combinations(settings: Settings) -> Iterator[Finding]:
    """Conflicts between a module and its mailboxes, and between a module's own options."""
    for name, module in settings.modules.items():
        path = ("modules", name)
        if module.heartbeat:
            yield from _of_a_heartbeat(path, settings, module, module.heartbeat)
        if trip := module.roundtrip:
            yield from _of_deadlines(path, module, trip)
            yield from _of_sending(path, module, trip)
            yield from _of_the_mailbox(path, settings, module, trip)
            yield from _of_payloads(name, settings, module, trip)
            yield from _of_bounces(path, settings, trip)
            yield from _of_the_way_home((*path, "roundtrip"), settings, trip)
            yield from _of_the_signature(path, trip)


def _of_a_heartbeat(
    path: Path, settings: Settings, module: Module, heartbeat: HeartbeatOptions
) -> Iterator[Finding]:
    """A mailbox that is polled too seldom to notice in time, or a look that cannot end in time."""
    longest = max(
        [
            module.interval,
            *(one.interval or 0.0 for one in settings.probes if one.module == path[1]),
        ]
    )
    if heartbeat.every < 2 * longest:
        text = (
            f"is less than two intervals of {duration_text(longest)}: the mailbox is polled"
            " too seldom to notice in time; decrease interval"
        )
        yield Finding((*path, "heartbeat", "every"), text, warning=True)
    mailbox = settings.mailboxes[heartbeat.mailbox].how
    for finding in mailbox.review(heartbeat.mailbox, module.timeout, 0):
        yield finding.below(*path)


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
        yield from _of_filters((*path, "roundtrip"), settings, trip, mailbox)
        yield from _of_requirements((*path, "roundtrip", "require"), trip, mailbox)


def _of_filters(
    path: Path, settings: Settings, trip: RoundtripOptions, mailbox: MailboxKind
) -> Iterator[Finding]:
    """Spam that would not be found, and a message that may be lost though no filter works."""
    if not trip.expect:
        return
    if trip.expect.junk and Reason.JUNK not in mailbox.reasons:
        text = f"the mailbox {trip.mailbox} has no junk folder: {_cure_of_no_junk(mailbox)}"
        yield Finding((*path, "expect", "junk"), text)
    others = (module.roundtrip for module in settings.modules.values() if module.roundtrip)
    if trip.expect.lost and not any(
        one.mailbox == trip.mailbox and one.expect is None for one in others
    ):
        text = (
            f"no other module proves that ordinary mail arrives in {trip.mailbox}: if none does,"
            " this one succeeds though no filter works"
        )
        yield Finding((*path, "expect", "lost"), text, warning=True)


def _cure_of_no_junk(mailbox: MailboxKind) -> str:
    if mailbox.searches_junk:
        return "add it to `folders`"
    kinds = cast("dict[str, type[MailboxKind]]", MailboxOptions.kinds())
    *others, last = (name for name, kind in kinds.items() if kind.searches_junk)
    return f"use a mailbox of another kind: {', '.join(others)} or {last}"


def _of_payloads(
    name: str, settings: Settings, module: Module, trip: RoundtripOptions
) -> Iterator[Finding]:
    """A recipient that may not be the mailbox where the payload is deleted."""
    user = (
        email_of(getattr(settings.mailboxes[trip.mailbox].how, "username", "") or "")
        if trip.mailbox
        else None
    )
    if not trip.payload or not user:
        return
    places: list[tuple[Path, str]] = [(("modules", name, "roundtrip", "to"), "")]
    if PLACEHOLDER in trip.to:
        places = [(("modules", name, "targets", n), one) for n, one in enumerate(module.targets)]
        places += [
            (("probes", n, "target"), probe.target or "")
            for n, probe in enumerate(settings.probes)
            if probe.module == name
        ]
    for path, target in places:
        recipient = email_of(trip.to.replace(PLACEHOLDER, target))
        if recipient != user:
            text = (
                f"the payload goes to {recipient}, and the mailbox {trip.mailbox} is of {user}:"
                " make sure that it is an address of that mailbox alone"
            )
            yield Finding(path, text, warning=True)


def _of_requirements(path: Path, trip: RoundtripOptions, mailbox: MailboxKind) -> Iterator[Finding]:
    """What cannot be checked never passes."""
    knows_client = mailbox.reception or trip.trusted_authserv_id
    if "spf" in trip.require and not knows_client:
        text = (
            "spf needs trusted_authserv_id: without it, the client that delivered the message is"
            " unknown, and every trip fails"
        )
        yield Finding(path, text)
    if trip.blocklists and not knows_client:
        text = (
            "needs trusted_authserv_id: without it, the client that delivered the message is"
            " unknown, and no list is asked"
        )
        yield Finding((*path[:-1], "blocklists"), text, warning=True)
    size = trip.size or 0
    if "dkim" in trip.require and size > READ_LIMIT:
        text = (
            f"dkim needs the whole message, and size is more than {size_text(READ_LIMIT)}: every"
            " trip fails"
        )
        yield Finding(path, text)
    elif "dkim" in trip.require and size > READ_LIMIT - HEADERS_OF_SERVERS:
        text = (
            f"dkim needs the whole message, of which {size_text(READ_LIMIT)} are read, and servers"
            f" add headers: size should be at most {size_text(READ_LIMIT - HEADERS_OF_SERVERS)}"
        )
        yield Finding(path, text, warning=True)


def _of_bounces(path: Path, settings: Settings, trip: RoundtripOptions) -> Iterator[Finding]:
    if trip.bounces and not settings.mailboxes[trip.bounces].how.takes(trip.sender):
        text = (
            f"the mailbox does not accept mail for {trip.sender}, which receives the bounces:"
            " add it to the recipients"
        )
        yield Finding((*path, "roundtrip", "bounces"), text, warning=True)


def _of_the_way_home(path: Path, settings: Settings, trip: RoundtripOptions) -> Iterator[Finding]:
    """Answers that do not come, or for an address that the mailbox does not accept."""
    if trip.home == "message" or not trip.mailbox:
        return
    if not settings.mailboxes[trip.mailbox].how.takes(trip.sender):
        text = (
            f"the mailbox does not accept mail for {trip.sender}, which receives all messages"
            f" with home: {trip.home}: add it to the recipients"
        )
        yield Finding((*path, "mailbox"), text)
    if trip.home != "reply":
        return
    if TRIP_PLACE not in trip.sender:
        local, _, domain = trip.sender.rpartition("@")
        text = (
            "most responders answer a sender only once in several days: give each trip a sender of"
            f" its own, such as {local}+{TRIP_PLACE}@{domain}"
        )
        yield Finding((*path, "from"), text, warning=True)
    if email_of(trip.to) and email_of(trip.to) == email_of(trip.sender):
        yield Finding((*path, "to"), "nothing answers mail from its own address")
    for name, value in trip.headers.items():
        if _keeps_answers_away(name.lower(), value.lower()):
            text = "responders do not answer a message with this header (RFC 3834, RFC 5230)"
            yield Finding((*path, "headers", name), text)


def _keeps_answers_away(name: str, value: str) -> bool:
    """Whether a message with this header gets no automatic answer: it looks like one itself, or
    like one of a list (RFC 3834 section 2, RFC 5230 section 4.6)."""
    if name == "precedence":
        return value in ("bulk", "junk", "list")
    return name.startswith("list-") or name in ("x-auto-reply", "x-autoreply", "x-loop")


def _of_the_signature(path: Path, trip: RoundtripOptions) -> Iterator[Finding]:
    """DMARC accepts a signature of the sender's domain, or of one above or below it (RFC 9989
    section 4.10.2). Which others it accepts, only the DNS knows."""
    sender = domain_of(trip.sender.rpartition("@")[2])
    if not trip.dkim or not sender:
        return
    ours = trip.dkim.domain
    if sender != ours and not (sender.endswith(f".{ours}") or ours.endswith(f".{sender}")):
        text = (
            f"is neither the domain of {trip.sender} nor one above or below it: DMARC ignores its"
            " signatures, unless both have the same organizational domain"
        )
        yield Finding((*path, "roundtrip", "dkim", "domain"), text, warning=True)
