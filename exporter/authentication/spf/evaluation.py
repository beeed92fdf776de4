"""check_host (RFC 7208 section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from exporter.authentication.lookups import Lookups, address_type, is_queryable
from exporter.authentication.spf.macros import Identity, expanded
from exporter.authentication.spf.record import (
    Mechanism,
    RecordInvalid,
    SpfRecord,
    is_record,
    record_of,
)
from exporter.authentication.verdict import LookupFailed, Result, Verdict, temperror
from exporter.config.grammar import domain_of
from exporter.net.dns.queries import RecordType

MOST_TERMS = 10  # that need the DNS; RFC 7208 section 4.6.4
MOST_VOID = 2  # queries without a record
MOST_EXCHANGERS = 10
MOST_NAMES = 10  # of a client


class _Undecidable(Exception):
    """The result is `permerror`."""

    def __init__(self, why: str, domain: str) -> None:
        self.domain = domain
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class _Match:
    """The result of a record."""

    result: Result
    domain: str  # whose record it is
    term: str = ""  # the one that matched


async def check_spf(address: str, sender: str, helo: str, lookups: Lookups) -> Verdict:
    """Whether the domain of `sender` permits this client. An empty sender, as of a bounce, is the
    name in EHLO (section 2.4)."""
    local, at, domain = sender.rpartition("@")
    domain = domain if at else helo
    domain = domain_of(domain) or domain.lower().removesuffix(".")
    identity = Identity(_address(address), local or "postmaster", domain, helo.removesuffix("."))
    evaluation = _Evaluation(identity, lookups)
    try:
        match = await evaluation.check(domain)
    except LookupFailed as error:
        return temperror(error, domain)
    except _Undecidable as error:
        return Verdict(Result.PERMERROR, str(error), domain, error.domain)
    if match is None:
        return Verdict(Result.NONE, f"{domain or 'the sender'} has no SPF record", domain, domain)
    return Verdict(match.result, _in_words(match, address), domain, match.domain)


def _in_words(match: _Match, address: str) -> str:
    if not match.term:
        return f"{address} matches nothing in the SPF record of {match.domain}"
    return f"{address} matches {match.term} in the SPF record of {match.domain}"


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class _Evaluation:
    """One check, with its limits."""

    def __init__(self, identity: Identity, lookups: Lookups) -> None:
        self._identity = identity
        self._lookups = lookups
        self._terms = 0
        self._void = 0
        self._asked: set[tuple[str, RecordType]] = set()

    async def check(self, domain: str) -> _Match | None:
        """The result by the record of this domain; None if it has no record."""
        record = await self._record(domain)
        if record is None:
            return None
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return _Match(mechanism.result, domain, mechanism.text)
        if record.redirect is None:
            return _Match(Result.NEUTRAL, domain)
        self._count_term(domain)
        target = await self._target(record.redirect, domain)
        match = await self.check(target)
        if match is None:
            raise _Undecidable(f"{domain} redirects to {target}, which has no SPF record", domain)
        return match

    async def _record(self, domain: str) -> SpfRecord | None:
        if "." not in domain or not is_queryable(domain):
            return None
        records = [text for text in await self._lookups.records(domain, "TXT") if is_record(text)]
        if not records:
            return None
        if len(records) > 1:
            raise _Undecidable(f"{domain} has {len(records)} SPF records", domain)
        try:
            return record_of(records[0])
        except RecordInvalid as error:
            raise _Undecidable(f"the SPF record of {domain} is invalid: {error}", domain) from None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        match mechanism.name:
            case "all":
                return True
            case "ip4" | "ip6":
                return mechanism.network is not None and self._identity.address in mechanism.network
        self._count_term(domain)
        target = await self._target(mechanism.target, domain)
        match mechanism.name:
            case "include":
                return await self._is_included(target, domain)
            case "a":
                return self._is_in(await self._addresses(target), mechanism)
            case "mx":
                return await self._is_exchanger(target, mechanism, domain)
            case "ptr":
                return any(is_below(name, target) for name in await self._names(target))
            case _:
                return bool(await self._records(target, "A"))

    async def _is_included(self, target: str, domain: str) -> bool:
        """Section 5.2."""
        match = await self.check(target)
        if match is None:
            raise _Undecidable(f"{domain} includes {target}, which has no SPF record", domain)
        return match.result is Result.PASS

    async def _is_exchanger(self, target: str, mechanism: Mechanism, domain: str) -> bool:
        """Section 5.4."""
        exchangers = await self._records(target, "MX")
        if len(exchangers) > MOST_EXCHANGERS:
            raise _Undecidable(f"{target} has more than {MOST_EXCHANGERS} MX records", domain)
        for exchanger in exchangers:
            host = exchanger.rpartition(" ")[2].removesuffix(".")
            if host and self._is_in(await self._addresses(host), mechanism):
                return True
        return False

    async def _addresses(self, host: str) -> Sequence[str]:
        return await self._records(host, address_type(self._identity.address))

    def _is_in(self, addresses: Sequence[str], mechanism: Mechanism) -> bool:
        own = self._identity.address
        shift = own.max_prefixlen - (mechanism.prefix_4 if own.version == 4 else mechanism.prefix_6)
        return any(int(ip_address(address)) >> shift == int(own) >> shift for address in addresses)

    async def _names(self, domain: str) -> list[str]:
        """The client's names that lead back to it (section 5.5); those in `domain` first."""
        try:
            found = await self._records(self._identity.address.reverse_pointer, "PTR")
        except LookupFailed:
            return []
        names = [name.lower().removesuffix(".") for name in found[:MOST_NAMES]]
        names.sort(key=lambda name: (name != domain, not is_below(name, domain)))
        validated = []
        for name in names:
            try:
                addresses = await self._addresses(name)
            except LookupFailed:
                continue
            if self._identity.address in map(ip_address, addresses):
                validated.append(name)
        return validated

    async def _target(self, text: str, domain: str) -> str:
        if not text:
            return domain
        return await expanded(text, self._identity, domain, lambda: self._name(domain))

    async def _name(self, domain: str) -> str:
        """The macro `p`."""
        return next(iter(await self._names(domain)), "unknown")

    def _count_term(self, domain: str) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise _Undecidable(f"the SPF record needs more than {MOST_TERMS} look-ups", domain)

    async def _records(self, name: str, kind: RecordType) -> tuple[str, ...]:
        records = await self._lookups.records(name, kind)
        if not records and is_queryable(name) and (name, kind) not in self._asked:
            self._void += 1
            if self._void > MOST_VOID:
                why = f"more than {MOST_VOID} look-ups of the SPF record find nothing, as of {name}"
                raise _Undecidable(why, self._identity.domain)
        self._asked.add((name, kind))
        return records


def is_below(name: str, domain: str) -> bool:
    """Whether a name is this domain, or in it."""
    domain = domain.lower()
    return name == domain or name.endswith(f".{domain}")
