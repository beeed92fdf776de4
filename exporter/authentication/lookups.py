"""The DNS queries for one message."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from exporter.authentication.verdict import LookupFailed
from exporter.config.grammar import LONGEST_DOMAIN
from exporter.net.dns.answer import WHY_UNANSWERED, Answer
from exporter.net.dns.queries import RecordType

MOST_QUERIES = 120
"""For one message. SPF needs up to 10 times 11 at worst (RFC 7208 section 4.6.4), DKIM and ARC one
for each key, DMARC 8 for each domain: no honest message needs more."""

_LABEL = re.compile(r"[ -\[\]-~]{1,63}")  # any printable character, except one that quotes another
_LOCAL = re.compile(r"(?:.*\.)?(?:localhost|invalid)", re.IGNORECASE)


class Dns(Protocol):
    """`DnsQueries`, or a zone in a test."""

    async def query(self, name: str, kind: RecordType) -> Answer: ...


class Lookups:
    """Queries each name once, and not more than `most` names."""

    def __init__(self, dns: Dns, most: int = MOST_QUERIES) -> None:
        self._dns = dns
        self._left = most
        self._known: dict[tuple[str, RecordType], tuple[str, ...]] = {}

    @property
    def known_texts(self) -> dict[str, tuple[str, ...]]:
        """The TXT records that were found, by name in lower case; empty for a name without any."""
        return {name: texts for (name, kind), texts in self._known.items() if kind == "TXT"}

    async def records(self, name: str, kind: RecordType) -> tuple[str, ...]:
        """The records, also by way of a CNAME; empty if there are none, or no such name. Raises
        LookupFailed."""
        name = name.lower().removesuffix(".")
        if (name, kind) in self._known:
            return self._known[name, kind]
        if not is_queryable(name):
            return ()
        if self._left <= 0:
            raise LookupFailed(name, "the message needs too many DNS queries")
        self._left -= 1
        answer = await self._dns.query(f"{name}.", kind)
        if why := WHY_UNANSWERED.get(answer.result):
            raise LookupFailed(name, why)
        self._known[name, kind] = answer.records
        return answer.records


def address_type(address: IPv4Address | IPv6Address) -> RecordType:
    """The type of the records with addresses of this kind."""
    return "A" if address.version == 4 else "AAAA"


def is_queryable(name: str) -> bool:
    """Whether a name fits into a query. `localhost` and `invalid` have no records (RFC 6761)."""
    labels = name.split(".")
    return (
        len(name) <= LONGEST_DOMAIN
        and all(map(_LABEL.fullmatch, labels))
        and not _LOCAL.fullmatch(name)
    )
