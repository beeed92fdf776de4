"""`mailtrip check --try`: resolves, connects and logs in wherever a trip would, and sends
nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any

from exporter.checks.options import RoundtripOptions
from exporter.commands.preflight.inward import of_receiver
from exporter.commands.preflight.reputation import (
    SMTP,
    Doubt,
    Remark,
    is_public,
    of_connections,
    reached,
    remarks,
    unreached,
)
from exporter.config.address import PLACEHOLDER
from exporter.core.model import (
    Exchanger,
    Fact,
    Failure,
    Phase,
    PlaintextFallback,
    ProbeError,
    Span,
    TlsSession,
)
from exporter.core.run import Clock, Run
from exporter.mail.composition import ProbeMessage
from exporter.mailboxes import MAILBOXES
from exporter.mailboxes.session import Rationed
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts
from exporter.senders import SENDERS, Sender, SendOptions
from exporter.senders.mx import MAX_EXCHANGERS
from exporter.senders.smtp import own_name
from exporter.settings import Settings

MOST_AT_ONCE = 10  # a server may not like more
PATIENCE = 30.0  # seconds, of a mailbox that no module names


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one. `failure` is None if it went well."""

    what: str
    """Such as: mailbox monitor."""

    where: str
    seconds: float = 0.0
    failure: Failure | None = None
    facts: tuple[Fact, ...] = ()
    spans: tuple[Span, ...] = ()
    skipped: str = ""
    """Why nothing was tried."""

    to_strangers: bool = False
    """Whether the server belongs to somebody who does not know us."""

    public: bool = False
    """Whether it is on the Internet."""

    remarks: tuple[Remark, ...] = ()
    """What is no failure, and may become one when a message is sent."""

    @property
    def tls(self) -> TlsSession | None:
        """What was agreed on, or the certificate that was refused."""
        return next((fact for fact in self.facts if isinstance(fact, TlsSession)), None)

    @property
    def exchanger(self) -> str:
        """Who answered."""
        return next((fact.host for fact in self.facts if isinstance(fact, Exchanger)), "")


@dataclass(frozen=True, slots=True)
class _Plan:
    what: str
    where: str
    phase: Phase
    patience: float
    go: Callable[[Run], Awaitable[None]] | None
    skipped: str = ""
    send: SendOptions | None = None
    remarks: list[Remark] = field(default_factory=list)
    """What `go` has found."""
    look: Callable[[], Awaitable[Sequence[Remark]]] | None = None
    """What there is to find out where nothing is tried."""


async def attempts(settings: Settings) -> AsyncIterator[Attempt]:
    """Each mailbox, and each server that a module sends to, once; in the order of the
    configuration."""
    clock, turns = Clock(), asyncio.Semaphore(MOST_AT_ONCE)
    resolver = Resolver(settings.resolver.nameservers, settings.resolver.timeout)
    accounts = Accounts(clock)
    accounts.configure(settings.logins)

    async def one(plan: _Plan) -> Attempt:
        async with turns:
            attempt = await _tried(plan, clock)
            return (
                await _as_strangers_see_us(attempt, plan.send, resolver) if plan.send else attempt
            )

    plans = [*_mailboxes(settings, resolver, accounts), *_senders(settings, resolver, accounts)]
    tasks = [asyncio.create_task(one(plan)) for plan in plans]
    try:
        told: set[Remark] = set()
        for task in tasks:
            attempt = await _beside_the_others(await task, tasks)
            yield replace(attempt, remarks=tuple(one for one in attempt.remarks if one not in told))
            told.update(attempt.remarks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await accounts.close()


async def _tried(plan: _Plan, clock: Clock) -> Attempt:
    if plan.go is None:
        return Attempt(
            plan.what,
            plan.where,
            skipped=plan.skipped,
            remarks=tuple(await plan.look() if plan.look else ()),
        )
    run, failure = Run(clock, session_timeout=plan.patience), None
    limit = (plan.patience + 5) * (
        MAX_EXCHANGERS if plan.send and plan.send.mx else 1
    )  # 5: a token has its own time
    try:
        too_late = f"not finished within {limit:g} s"
        async with run.deadline(limit, too_late), run.phase(plan.phase):
            await plan.go(run)
    except ProbeError as error:
        failure = run.failure(error)
        run.learn(error)
    took, facts, spans = run.now() - run.started, tuple(run.facts), tuple(run.spans)
    fallbacks = [
        Remark(Doubt.PLAINTEXT, one.host, one.why)
        for one in facts
        if isinstance(one, PlaintextFallback)
    ]
    return Attempt(
        plan.what, plan.where, took, failure, facts, spans, remarks=(*fallbacks, *plan.remarks)
    )


# ---------------------------------------------------------------- what may be in the way


async def _as_strangers_see_us(attempt: Attempt, send: SendOptions, resolver: Resolver) -> Attempt:
    """With remarks if it was an exchanger, or a server of the Internet that takes mail on port 25
    without a login."""
    servers = [*reached(attempt.spans), *unreached(attempt.spans)]
    how = send.mx or send.smtp
    if not how or not servers:
        return attempt
    host, _, port = servers[0].rpartition(":")
    public = await is_public(host, resolver)
    if send.smtp and (int(port) != SMTP or send.smtp.username or not public):
        return attempt
    found = await remarks(host, how, how.ehlo_name or own_name(), resolver)
    return replace(attempt, to_strangers=True, public=public, remarks=(*attempt.remarks, *found))


async def _beside_the_others(attempt: Attempt, tasks: Sequence[asyncio.Task[Attempt]]) -> Attempt:
    """If an attempt reached nobody, those of all others tell whether the network is to blame.

    That a server of our own network answers says nothing of the way to the Internet.
    """
    if not attempt.to_strangers or not unreached(attempt.spans):
        return attempt
    spans: list[Span] = []
    if not reached(attempt.spans):
        await asyncio.wait(tasks)
        others = [task.result() for task in tasks if not task.exception()]
        alike = [one for one in others if one.to_strangers and (one.public or not attempt.public)]
        spans = [span for one in alike for span in one.spans]
    return replace(attempt, remarks=(*of_connections(attempt.spans, spans), *attempt.remarks))


# ---------------------------------------------------------------- where to


def _mailboxes(settings: Settings, resolver: Resolver, accounts: Accounts) -> Iterator[_Plan]:
    for name, options in settings.mailboxes.items():
        kind, how = options.chosen
        mailbox = MAILBOXES[kind](how, resolver, accounts)
        patience, limit, found = (
            _patience(settings, name),
            _shortest_timeout(settings, name),
            list[Remark](),
        )

        async def go(
            run: Run, mailbox: Any = mailbox, limit: float = limit, found: list[Remark] = found
        ) -> None:
            async with run.conversation():
                session = await mailbox.open(run, lambda raw: False)
            if isinstance(session, Rationed) and session.may_look_at - run.started >= limit:
                found.append(Remark(Doubt.RATIONED, session.ration, f"{limit:g} s"))
            try:
                await session.close()
            finally:
                session.abort()

        where = _place(kind, how)
        if options.smtpd:
            look = partial(of_receiver, options.smtpd.listen, options.smtpd.recipients, resolver)
            why = "not tried: others come to it, and a mailtrip that runs listens there"
            yield _Plan(f"mailbox {name}", where, Phase.OPEN, patience, None, why, look=look)
        else:
            yield _Plan(f"mailbox {name}", where, Phase.OPEN, patience, go, remarks=found)


def _patience(settings: Settings, mailbox: str) -> float:
    """How long the trips of a mailbox wait for it."""
    modules = (module for module in settings.modules.values() if module.roundtrip)
    waits = (
        one.session_timeout for one in modules if one.roundtrip and one.roundtrip.mailbox == mailbox
    )
    return max(waits, default=PATIENCE)


def _shortest_timeout(settings: Settings, mailbox: str) -> float:
    modules = (module for module in settings.modules.values() if module.roundtrip)
    return min(
        (one.timeout for one in modules if one.roundtrip and one.roundtrip.mailbox == mailbox),
        default=inf,
    )


def _place(kind: str, how: Any) -> str:
    if kind == "maildir":
        return str(how.path)
    return str(how.listen) if kind == "smtpd" else f"{how.host}:{how.tcp_port}"


def _senders(settings: Settings, resolver: Resolver, accounts: Accounts) -> Iterator[_Plan]:
    """The same server with the same login, which several modules may name, is asked once."""
    seen: list[tuple[Any, str]] = []
    for name, module in settings.modules.items():
        if not module.roundtrip:
            continue
        targets = [probe.target for probe in settings.probes if probe.module == name]
        if not targets and _needs_target(module.roundtrip):
            why = "not tried: no entry in probes names a target for it"
            yield _Plan(f"module {name}", "", Phase.SEND, 0.0, None, why)
            continue
        for target in targets or [module.roundtrip.sender]:
            sender, message = _sender(module.roundtrip, target, resolver, accounts)
            key = (module.roundtrip.send, sender.destination(message))
            if key not in seen:
                seen.append(key)
                go, send = _knocking(sender, message), module.roundtrip.send
                yield _Plan(
                    f"module {name}", key[1], Phase.SEND, module.session_timeout, go, send=send
                )


def _needs_target(trip: RoundtripOptions) -> bool:
    """Whether nobody knows which server it is before there is a target."""
    smtp = trip.send.smtp
    return PLACEHOLDER in smtp.host if smtp else trip.send.mx is not None and PLACEHOLDER in trip.to


def _sender(
    trip: RoundtripOptions, target: str, resolver: Resolver, accounts: Accounts
) -> tuple[Sender, ProbeMessage]:
    kind, how = trip.send.chosen
    message = ProbeMessage(
        sender=trip.sender, recipient=trip.to.replace(PLACEHOLDER, target), raw=b""
    )
    return SENDERS[kind](how, resolver, target, accounts), message


def _knocking(sender: Sender, message: ProbeMessage) -> Callable[[Run], Awaitable[None]]:
    return lambda run: sender.knock(message, run)
