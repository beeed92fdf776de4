"""Derives a verdict from the A records of an answer. An answer that no blocklist would give for a
listed address does not count as a listing.

Some software took a resolver that rewrites answers, an expired domain of a zone, or a refusal for a
listing, and lost mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.list_status import QueryFailure
from exporter.core.model import ListState

LOOPBACK = IPv4Network("127.0.0.0/8")
REFUSALS = {
    # https://www.spamhaus.org/faqs/dnsbl-usage/ ; others have taken up the range
    "127.255.255.252": "the zone's name is misspelt",
    "127.255.255.254": ("it does not answer public resolvers, or addresses with a generic name"),
    "127.255.255.255": "too many queries",
}
REFUSING = IPv4Network("127.255.255.0/24")
NEVER_A_LISTING = (  # RFC 5782 section 5: must not be listed; URIBL and others refuse with it
    "127.0.0.1"
)
MAX_CODES = 32  # of one answer


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict from the A records of a name."""

    state: ListState
    codes: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()
    why: str = ""  # why it is unknown
    failure: QueryFailure | None = None  # the kind of `why`


def judge(blocklist: Blocklist, addresses: Iterable[str]) -> Verdict:
    """The verdict for a set of A records, which may be empty only if the name does not exist."""
    codes = sorted(set(addresses), key=lambda code: int(IPv4Address(code)))[:MAX_CODES]
    if not codes:
        return Verdict(ListState.CLEAN)
    for code in codes:
        if code in blocklist.errors or IPv4Address(code) in REFUSING:
            return _unknown(f"the list refuses our queries: {_refusal(code)}", QueryFailure.REFUSED)
    for code in codes:
        if IPv4Address(code) not in LOOPBACK:
            return _unknown(
                f"{code} is not an answer of a blocklist: a resolver rewrites it, or the zone has"
                " a new owner"
            )
    meanings = {code: _meanings(blocklist, code) for code in codes}
    documented = [code for code in codes if meanings[code]]
    if not blocklist.codes and not blocklist.bits:
        documented = [code for code in codes if code != NEVER_A_LISTING]
    if not documented:
        problem = (
            "is never a listing" if codes == [NEVER_A_LISTING] else "is not a code of this list"
        )
        return _unknown(f"{' and '.join(codes)} {problem}")
    return Verdict(
        ListState.LISTED, tuple(documented), tuple(m for code in documented for m in meanings[code])
    )


def _unknown(why: str, failure: QueryFailure = QueryFailure.SENSELESS) -> Verdict:
    return Verdict(ListState.UNKNOWN, why=why, failure=failure)


def _refusal(code: str) -> str:
    return f"{code}, {REFUSALS[code]}" if code in REFUSALS else code


def _meanings(blocklist: Blocklist, code: str) -> list[str]:
    """The meanings of return codes, from the list's own documentation. No `*` stands for what is
    never a listing."""
    octets = code.split(".")
    found = [
        meaning
        for pattern, meaning in blocklist.codes
        if all(want in ("*", octet) for want, octet in zip(pattern.split("."), octets, strict=True))
        and (code != NEVER_A_LISTING or pattern == code)
    ]
    return found + [meaning for bit, meaning in blocklist.bits if int(octets[3]) & bit]
