"""`mailtrip check --try`: makes the attempts, several at once."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.external_servers import (
    as_external_servers_see_us,
    beside_the_others,
)
from exporter.commands.preflight.plan import Plan, plans
from exporter.commands.preflight.remark import Remark, Risk
from exporter.core.model import ExchangerVisit, PlaintextFallback, ProbeError
from exporter.core.phases import Phase
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.oauth2 import Accounts
from exporter.senders.kind import Means
from exporter.settings import Settings

MOST_AT_ONCE = 10  # a server may not like more


async def attempts(
    settings: Settings, phases: Collection[Phase] = tuple(Phase)
) -> AsyncIterator[Attempt]:
    """Tries each mailbox, and each server that a module sends to, once; in the order of the
    configuration. Only what belongs to one of these phases."""
    clock, turns = Clock(), asyncio.Semaphore(MOST_AT_ONCE)
    resolver = Resolver(settings.resolver.nameservers, settings.resolver.timeout)
    accounts = Accounts(clock)
    accounts.configure(settings.logins)
    means = Means(resolver, accounts, StsPolicies(resolver, clock))

    async def one(plan: Plan) -> Attempt:
        async with turns:
            attempt = await _tried(plan, clock)
            if plan.introduction:
                return await as_external_servers_see_us(attempt, plan.introduction, resolver)
            return attempt

    chosen = [plan for plan in plans(settings, means) if plan.phase in phases]
    tasks = [asyncio.create_task(one(plan)) for plan in chosen]
    try:
        told: set[Remark] = set()
        for task in tasks:
            attempt = await beside_the_others(await task, tasks)
            yield replace(attempt, remarks=tuple(one for one in attempt.remarks if one not in told))
            told.update(attempt.remarks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await accounts.close()


async def _tried(plan: Plan, clock: Clock) -> Attempt:
    if plan.go is None:
        return Attempt(
            plan.what,
            plan.where,
            skipped=plan.skipped,
            remarks=tuple(await plan.look() if plan.look else ()),
        )
    run, failure = Run(clock, session_timeout=plan.patience), None
    limit = (plan.patience + 5) * plan.most_servers  # 5: a token has its own time
    try:
        too_late = f"not finished within {limit:g} s"
        async with run.deadline(limit, too_late), run.phase(plan.phase):
            await plan.go(run)
    except ProbeError as error:
        failure = run.failure(error)
        run.learn(error)
    took, facts, spans = run.now() - run.started, tuple(run.facts), tuple(run.spans)
    fallbacks = [
        Remark(Risk.PLAINTEXT, one.host, one.why)
        for one in facts
        if isinstance(one, PlaintextFallback)
    ]
    failing = [
        Remark(Risk.ONE_FAILS, one.place, str(one.failure))
        for one in facts
        if isinstance(one, ExchangerVisit) and not failure
    ]
    remarks = (*fallbacks, *failing, *plan.remarks)
    return Attempt(plan.what, plan.where, took, failure, facts, spans, remarks=remarks)
