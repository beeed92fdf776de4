"""The answers of name servers."""

from dataclasses import dataclass
from enum import StrEnum


class DnsResult(StrEnum):
    """The result of a query."""

    RECORDS = "records"
    NODATA = "nodata"  # the name exists, but has no such record
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NETWORK = "network"  # no nameserver can be reached
    SENSELESS = "senseless"  # an answer that is none


WHY_UNANSWERED = {
    DnsResult.TIMEOUT: "no answer in time",
    DnsResult.SERVFAIL: "the resolver failed (SERVFAIL)",
    DnsResult.REFUSED: "the resolver refused the query (REFUSED)",
    DnsResult.NETWORK: "no name server can be reached",
    DnsResult.SENSELESS: "the answer is invalid",
}
"""The results without an answer, for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about a name, without the name itself, which may be secret."""

    result: DnsResult
    records: tuple[str, ...] = ()
    ttl: float = 0.0  # seconds for which it holds, also that there is no such name (RFC 2308)
    took: float = 0.0  # seconds from the first datagram to the answer, or until we gave up
