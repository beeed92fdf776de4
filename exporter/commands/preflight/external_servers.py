"""Remarks for external servers: our DNS records as they see them, and the network."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.connections import of_connections, reached, unreached
from exporter.commands.preflight.reverse_dns import is_public, remarks
from exporter.core.model import Span
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Introduction


async def as_external_servers_see_us(
    attempt: Attempt, introduction: Introduction, resolver: Resolver
) -> Attempt:
    """Adds remarks to the attempt if its server does not know us."""
    servers = [*reached(attempt.spans), *unreached(attempt.spans)]
    if not servers:
        return attempt
    host = servers[0].rpartition(":")[0]
    if not introduction.only_if_public:
        resolver = resolver.absolute  # it is an exchanger, which we find in the DNS
    public = await is_public(host, resolver)
    if introduction.only_if_public and not public:
        return attempt
    found = await remarks(host, introduction.network, introduction.ehlo_name, resolver)
    return replace(attempt, to_external=True, public=public, remarks=(*attempt.remarks, *found))


async def beside_the_others(attempt: Attempt, tasks: Sequence[asyncio.Task[Attempt]]) -> Attempt:
    """Adds a remark if an attempt reached no server: the other attempts show whether the network is
    to blame.

    Servers of our own network do not count, since they do not show whether the Internet is
    reachable.
    """
    if not attempt.to_external or not unreached(attempt.spans):
        return attempt
    spans: list[Span] = []
    if not reached(attempt.spans):
        await asyncio.wait(tasks)
        others = [task.result() for task in tasks if not task.exception()]
        alike = [one for one in others if one.to_external and (one.public or not attempt.public)]
        spans = [span for one in alike for span in one.spans]
    return replace(attempt, remarks=(*of_connections(attempt.spans, spans), *attempt.remarks))
