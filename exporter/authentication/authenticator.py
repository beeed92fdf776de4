"""Checks a message by all methods at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import TypeVar

from exporter.authentication.arc import check_arc
from exporter.authentication.dkim import DkimVerdicts, check_dkim
from exporter.authentication.dmarc import author_of, check_dmarc
from exporter.authentication.iprev import check_iprev
from exporter.authentication.lookups import Dns, Lookups
from exporter.authentication.published import published
from exporter.authentication.signature import SignedMessage
from exporter.authentication.spf.evaluation import check_spf
from exporter.authentication.verdict import LookupFailed, Result, Verdict
from exporter.authentication.wire import wire_message
from exporter.core.facts import Client, DnsRecords, SenderCheck
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout, Slices

LONGEST = 20.0  # seconds for one message; RFC 7208 section 4.6.4
MAX_WORDS = 200  # characters of a reason

Found = TypeVar("Found")


class Authenticator:
    """Checks messages, with the records that `dns` finds."""

    def __init__(self, dns: Dns, clock: Clock) -> None:
        self._dns = dns
        self._clock = clock

    async def authenticate(
        self,
        raw: bytes,
        client: Client | None,
        *,
        whole: bool = True,
        patience: float = LONGEST,
        found: Callable[[DnsRecords], None] = lambda records: None,
    ) -> list[SenderCheck]:
        """One result for each method that can be decided.

        Without a client's address, SPF and the client's name are unknown; if the message is not
        `whole`, so are its signatures. What takes longer than `patience` seconds is `temperror`.
        `found` receives the records of the sender. Raises ProbeError (starved) if we ourselves were
        too late.
        """
        client = client if client and client.address else None
        lookups, limit = Lookups(self._dns), min(patience, LONGEST)
        started = self._clock.monotonic()
        slices = Slices(self._clock.monotonic)
        signed = SignedMessage(wire_message(raw))
        author = author_of(signed.message)
        try:
            async with asyncio.TaskGroup() as group:
                if whole:
                    now = self._clock.wall()
                    dkim = group.create_task(
                        _within(limit, check_dkim(signed, lookups, now, slices), _SLOW_DKIM)
                    )
                    arc = group.create_task(
                        _within(limit, check_arc(signed, lookups, slices), _SLOW)
                    )
                if client:
                    spf = group.create_task(
                        _within(
                            limit,
                            check_spf(client.address, client.sender, client.helo, lookups),
                            _SLOW,
                        )
                    )
                    iprev = group.create_task(
                        _within(limit, check_iprev(client.address, client.helo, lookups), _SLOW)
                    )
                elif author:
                    group.create_task(_within(limit, _note_texts(author, lookups), None))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        signatures = dkim.result() if whole else None
        permitted = spf.result() if client else None
        left = max(limit - (self._clock.monotonic() - started), 0.0)
        verdicts: dict[str, Verdict | None] = {
            "spf": permitted,
            "dkim": signatures.best(author) if signatures else None,
            "dmarc": await _within(
                left, check_dmarc(author, permitted, signatures, lookups), _SLOW
            ),
            "arc": arc.result() if whole else None,
            "iprev": iprev.result() if client else None,
        }
        for one in published(author, client, signatures, lookups):
            found(one)
        return list(_facts(verdicts))


_SLOW = Verdict(Result.TEMPERROR, "the DNS was too slow")
_SLOW_DKIM = DkimVerdicts((_SLOW,))


async def _note_texts(domain: str, lookups: Lookups) -> None:
    """Finds the SPF record of a domain whose client is unknown, to be compared later."""
    with suppress(LookupFailed):
        await lookups.records(domain, "TXT")


async def _within(limit: float, check: Awaitable[Found], otherwise: Found) -> Found:
    try:
        async with FairTimeout(limit, limit):
            return await check
    except TimeoutError:
        return otherwise


def _facts(verdicts: Mapping[str, Verdict | None]) -> Iterator[SenderCheck]:
    for method, verdict in verdicts.items():
        if verdict:
            yield SenderCheck(
                method,
                one_line(verdict.domain, MAX_WORDS),
                str(verdict.result),
                one_line(verdict.why, MAX_WORDS),
                one_line(verdict.record, MAX_WORDS),
            )
