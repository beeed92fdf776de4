"""What a failed trip did not come to see, found out at once: the records of the sender and of the
recipient, and what blocklists say about the address that the mail leaves from."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from exporter.authentication.published import texts_of
from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.lookups import Lookups
from exporter.blocklists.names import Subject
from exporter.core.comparison.circumstances import Aspect, Circumstances, What
from exporter.core.dns_records import exchanger_records, records
from exporter.core.facts import Change, RecordKind
from exporter.core.model import Listing, ListState, Outcome, ProbeError
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver

DNS_PATIENCE = 3.0  # seconds for all queries together
LISTS_PATIENCE = 4.0  # seconds for all blocklists
MOST_NAMES = 10  # that are queried
MOST_LISTS = 20

_TEXTS = {
    What.SPF: RecordKind.SPF,
    What.DMARC: RecordKind.DMARC,
    What.DKIM_KEY: RecordKind.DKIM,
}
_QUERIED = frozenset({*_TEXTS, What.EXCHANGERS, What.ADDRESSES})
_UNLISTED = "not listed"


class OnTheSpot:
    """Queries only names that good trips have met, and only the `blocklists` of the configuration.
    `checks` returns the newest checks of blocklists."""

    def __init__(
        self,
        resolver: Resolver,
        lookups: Lookups,
        blocklists: Callable[[], Sequence[Blocklist]],
        checks: Callable[[], Iterable[Outcome]],
    ) -> None:
        self._resolver = resolver
        self._lookups = lookups
        self._blocklists = blocklists
        self._checks = checks

    async def complete(
        self, now: Circumstances, before: Circumstances
    ) -> dict[Aspect, frozenset[str]]:
        """`now` with the records that only the trip `before` has met, as they are at this moment.
        What has no answer in time is unknown."""
        found = dict(now)
        missing = [one for one in before if one.what in _QUERIED and one not in now]

        async def add(aspect: Aspect) -> None:
            with suppress(ProbeError):
                from_dns = any(_is_exchanger(aspect.about, one) for one in (now, before))
                resolver = self._resolver.absolute if from_dns else self._resolver
                found[aspect] = frozenset(await _values(aspect, before[aspect], resolver))

        with suppress(TimeoutError):
            async with asyncio.timeout(DNS_PATIENCE), asyncio.TaskGroup() as group:
                for aspect in sorted(missing)[:MOST_NAMES]:
                    group.create_task(add(aspect))
        return found

    async def listings(self, address: str, since: float) -> tuple[list[Change], list[str]]:
        """The blocklists that list the address: those that did not before, or not at Unix time
        `since`, and the others."""
        subject = Subject.of(address)
        lists = [one for one in self._blocklists() if one.alarming and one.takes(subject.kind)]
        if not lists:
            return [], []
        found = await self._lookups.run(subject, lists[:MOST_LISTS])
        known = self._known(subject.text)
        changes, others = list[Change](), list[str]()
        for listing in (one for answer in found.answers for one in answer.listings):
            if listing.state is not ListState.LISTED:
                continue
            if _is_new(known.get(listing.blocklist), since):
                about = f"{listing.subject} on {listing.blocklist}"
                changes.append(Change(What.BLOCKLIST, about, (_UNLISTED,), (_in_words(listing),)))
            else:
                others.append(listing.blocklist)
        return changes, others

    def _known(self, subject: str) -> dict[str, Listing]:
        """What the newest checks say about it, by blocklist."""
        return {
            fact.blocklist: fact
            for check in self._checks()
            for fact in check.facts
            if isinstance(fact, Listing) and fact.subject == subject
        }


async def _values(aspect: Aspect, before: frozenset[str], resolver: Resolver) -> Iterable[str]:
    """The values now; the addresses as trips find them. Raises ProbeError."""
    name = aspect.about
    if kind := _TEXTS.get(aspect.what):
        return records(kind, name, texts_of(kind, await resolver.texts(name))).texts
    try:
        if aspect.what is What.EXCHANGERS:
            return exchanger_records(name, await resolver.exchangers(name)).texts
        families = {":" in address for address in before}
        addresses = await resolver.addresses(name, complete=True)
        return [one for one in addresses if (":" in one) in families]
    except ProbeError as error:
        if error.reason is Reason.NULL_MX or error.code == "NXDOMAIN":
            return []
        raise


def _is_exchanger(host: str, circumstances: Circumstances) -> bool:
    """Whether the DNS has named this host: as an exchanger, or as a domain without one."""
    return any(
        host.lower() == aspect.about
        or any(one.startswith(f"{host.lower()} (MX ") for one in values)
        for aspect, values in circumstances.items()
        if aspect.what is What.EXCHANGERS
    )


def _is_new(before: Listing | None, since: float) -> bool:
    if before is None or before.state is ListState.UNKNOWN:
        return False
    began = before.since if before.listed_since is None else before.listed_since
    return before.state is ListState.CLEAN or (began is not None and began > since)


def _in_words(listing: Listing) -> str:
    """The codes, and what they mean."""
    more = "; ".join(listing.meanings) or listing.text
    return f"listed, {' '.join(listing.codes)}{f': {more}' if more else ''}"
