"""The plan of `mailtrip check --try`: each mailbox, and each server that a module sends to,
once."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf

from exporter.authentication.key import KeyUnusable, key_of
from exporter.authentication.lookups import Lookups
from exporter.authentication.verdict import LookupFailed
from exporter.checks.module import Module
from exporter.checks.options import DkimOptions, RoundtripOptions
from exporter.checks.signing import DkimSigner
from exporter.commands.preflight.mx_records import of_receiver
from exporter.commands.preflight.remark import Remark, Risk
from exporter.config.address import PLACEHOLDER
from exporter.config.tracing import TracingOptions
from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.mailboxes.session import Mailbox, ScanLimited
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts
from exporter.senders.kind import Introduction, Means
from exporter.settings import Settings

PATIENCE = 30.0  # seconds, of a mailbox that no module names


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing to try, or why it is not tried."""

    what: str
    where: str
    phase: Phase
    patience: float
    go: Callable[[Run], Awaitable[None]] | None
    skipped: str = ""
    most_servers: int = 1
    """How many are tried, one after the other."""

    introduction: Introduction | None = None
    """How we introduce ourselves there, if the server does not know us."""

    remarks: list[Remark] = field(default_factory=list)
    """What `go` has found."""

    look: Callable[[], Awaitable[Sequence[Remark]]] | None = None
    """What there is to find out where nothing is tried."""


def plans(settings: Settings, means: Means) -> Iterator[Plan]:
    """The plans in the order of the configuration, mailboxes first."""
    yield from _mailboxes(settings, means.resolver, means.accounts)
    yield from _senders(settings, means)
    yield from _signatures(settings, means.resolver)
    yield from _collector(settings.tracing, means.resolver)


def _mailboxes(settings: Settings, resolver: Resolver, accounts: Accounts) -> Iterator[Plan]:
    for name, options in settings.mailboxes.items():
        how, what, patience = options.how, f"mailbox {name}", _patience(settings, name)
        if how.reception:
            look = partial(of_receiver, how.reception.listen, how.reception.recipients, resolver)
            why = "not tried: `mailtrip serve` listens there, other servers connect to it"
            yield Plan(what, how.place, Phase.OPEN, patience, None, why, look=look)
        else:
            found: list[Remark] = []
            mailbox, limit = how.mailbox(resolver, accounts), _shortest_timeout(settings, name)
            go = partial(_open, mailbox, limit, found)
            yield Plan(what, how.place, Phase.OPEN, patience, go, remarks=found)


async def _open(mailbox: Mailbox, limit: float, found: list[Remark], run: Run) -> None:
    """Opens and closes a mailbox. Adds a remark if the server allows no second poll within `limit`
    seconds."""
    async with run.conversation():
        session = await mailbox.open(run, _not_ours)
    if isinstance(session, ScanLimited) and session.next_scan_at - run.started >= limit:
        found.append(Remark(Risk.RATIONED, session.scan_limit, f"{limit:g} s"))
    try:
        await session.close()
    finally:
        session.abort()


async def _not_ours(raw: bytes) -> bool:
    return False


def _patience(settings: Settings, mailbox: str) -> float:
    """The time that the trips of a mailbox wait for it."""
    return max((one.session_timeout for one in _awaiting(settings, mailbox)), default=PATIENCE)


def _shortest_timeout(settings: Settings, mailbox: str) -> float:
    return min((one.timeout for one in _awaiting(settings, mailbox)), default=inf)


def _awaiting(settings: Settings, mailbox: str) -> Iterator[Module]:
    """The modules that await messages in a mailbox."""
    for module in settings.modules.values():
        if getattr(module.chosen[1], "mailbox", None) == mailbox:
            yield module


def _senders(settings: Settings, means: Means) -> Iterator[Plan]:
    """The senders: one for each server and login, which several modules may name."""
    seen: list[tuple[object, str, str]] = []
    for name, module in settings.modules.items():
        what = f"module {name}"
        if module.heartbeat:
            continue
        if not (trip := module.roundtrip):
            why = "not tried: `mailtrip probe` queries the blocklists"
            yield Plan(what, "", Phase.VERIFY, 0.0, None, why)
            continue
        how = trip.send.how
        targets = [probe.target or "" for probe in settings.probes if probe.module == name]
        if not targets and how.needs_target(trip.to):
            why = "not tried: no entry in probes has a target for it"
            yield Plan(what, "", Phase.SEND, 0.0, None, why)
            continue
        for target in targets or [trip.sender]:
            sender, message = how.sender(target, means), _message(trip, target)
            where = sender.destination(message)
            if (trip.send, where, message.envelope_id) not in seen:
                seen.append((trip.send, where, message.envelope_id))
                yield Plan(
                    what,
                    where,
                    Phase.SEND,
                    module.session_timeout,
                    partial(sender.preflight, message),
                    most_servers=how.most_servers,
                    introduction=how.introduction,
                )


def _signatures(settings: Settings, resolver: Resolver) -> Iterator[Plan]:
    """The keys of signatures, once each."""
    seen: list[DkimOptions] = []
    for name, module in settings.modules.items():
        dkim = module.roundtrip.dkim if module.roundtrip else None
        if dkim and dkim not in seen:
            seen.append(dkim)
            signer = DkimSigner(dkim.domain, dkim.selector, dkim.key)
            go = partial(_find_public_key, signer, Lookups(DnsQueries(resolver, Clock())))
            what = f"module {name}, DKIM key"
            yield Plan(what, signer.name, Phase.SEND, module.session_timeout, go)


async def _find_public_key(signer: DkimSigner, lookups: Lookups, run: Run) -> None:
    """Whether the DNS has the public key with which receivers can check the signatures."""
    key = signer.key()
    with run.step(Step.RESOLVE, signer.name):
        try:
            published = await key_of(lookups, signer.name, key.kind)
        except (KeyUnusable, LookupFailed) as error:
            raise ProbeError(Reason.DNS, str(error)) from None
        if not published.key.verifies(key.sign(b"mailtrip"), b"mailtrip"):
            problem = f"the key at {signer.name} does not belong to that in {signer.origin}"
            raise ProbeError(Reason.DNS, problem)


def _collector(options: TracingOptions | None, resolver: Resolver) -> Iterator[Plan]:
    """The collector of traces."""
    if options:
        go = partial(_export_nothing, options, resolver)
        yield Plan("tracing", options.place, Phase.SEND, options.timeout, go)


async def _export_nothing(options: TracingOptions, resolver: Resolver, run: Run) -> None:
    """Whether the collector takes an empty request."""
    from exporter.net.otlp.client import export  # takes long to import

    async with run.conversation(server=options.place):
        await export(options, resolver, b"", run.clock)


def _message(trip: RoundtripOptions, target: str) -> ProbeMessage:
    recipient = trip.to.replace(PLACEHOLDER, target)
    envelope_id = "mailtrip" if trip.home == "delivery_status" else ""
    return ProbeMessage(trip.sender, recipient, b"", envelope_id)
