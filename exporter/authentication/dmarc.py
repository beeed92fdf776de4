"""DMARC (RFC 9989): whether the domain in `From` is one for which SPF or DKIM passed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.authentication.dkim import DkimVerdicts
from exporter.authentication.lookups import Lookups
from exporter.authentication.tag_list import tags_of
from exporter.authentication.verdict import LookupFailed, Result, Verdict, temperror
from exporter.authentication.wire import WireMessage
from exporter.config.grammar import domain_of

MOST_LABELS = 8
"""A longer name is shortened to one label less at the second step of a walk (section 4.10)."""
LONGEST_FROM = 1000  # characters of `From` that are parsed, in quadratic time at worst

_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")
# Names in quotes, and comments, may contain addresses that are none.
_IGNORED = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
_BRACKETS = re.compile(r"<([^<>]*)>")
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """The record of a domain."""

    domain: str
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Where it is in DNS."""
        return f"_dmarc.{self.domain}"

    @property
    def psd(self) -> str:
        return self.tags.get("psd", "u").lower()

    def is_strict(self, method: str) -> bool:
        """Whether only this very domain counts, for `spf` or `dkim`."""
        return self.tags.get(f"a{method}", "r").lower() == "s"

    @property
    def applies(self) -> bool:
        """Whether the policies are valid, or a report may be sent about them (section 4.10.1)."""
        given = [self.tags[tag].lower() for tag in ("sp", "np") if tag in self.tags]
        valid = all(policy in _POLICIES for policy in (self.tags.get("p", "").lower(), *given))
        return valid or self.tags.get("rua", "").lower().startswith("mailto:")

    def policy(self, name: str) -> str:
        """The policy in this tag, or in the one that replaces it if it is absent (section 4.7)."""
        for tag in {"np": ("np", "sp", "p"), "sp": ("sp", "p")}.get(name, ("p",)):
            if (value := self.tags.get(tag, "").lower()) in _POLICIES:
                return value
        return "none"

    @property
    def testing(self) -> bool:
        return self.tags.get("t", "n").lower() == "y"


class DmarcRecords:
    """The records of domains and of those above them."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        # What was found and does not count, for people.
        self.ignored: dict[str, str] = {}

    async def at(self, domain: str) -> DmarcRecord | None:
        """The record of exactly this domain. Two records are none, and so is one that is not
        understood. Raises LookupFailed."""
        texts = await self._lookups.records(f"_dmarc.{domain}", "TXT")
        records = [text for text in texts if is_policy(text)]
        if len(records) > 1:
            self.ignored[domain] = f"_dmarc.{domain} has {len(records)} DMARC records: none counts"
        if len(records) != 1:
            return None
        tags = tags_of(records[0])
        if tags is None:
            self.ignored[domain] = f"the DMARC record at _dmarc.{domain} is malformed"
            return None
        return DmarcRecord(domain, tags)

    async def walk(self, domain: str) -> list[DmarcRecord]:
        """The records found on the way up (section 4.10), the longest name first."""
        found = []
        for name in walked(domain):
            record = await self.at(name)
            if record is not None:
                found.append(record)
                if record.psd in ("y", "n"):
                    break
        return found

    async def organization(self, domain: str) -> str:
        """The Organizational Domain (section 4.10.2)."""
        return organization(domain, await self.walk(domain))


def walked(domain: str) -> Iterator[str]:
    """The names of a walk from this domain, at most eight."""
    labels = domain.split(".")
    yield domain
    for count in range(min(len(labels), MOST_LABELS) - 1, 0, -1):
        yield ".".join(labels[-count:])


def organization(domain: str, records: Sequence[DmarcRecord]) -> str:
    """The Organizational Domain, by the records of a walk."""
    for record in records:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            return ".".join(domain.split(".")[-record.domain.count(".") - 2 :])
    return records[-1].domain if records else domain


def is_policy(text: str) -> bool:
    """Whether a TXT record is a DMARC record."""
    return _VERSION.match(text) is not None


def author_of(message: WireMessage) -> str | None:
    """The domain in `From`; None if there is not exactly one."""
    fields = message.all("from")
    if len(fields) != 1 or len(fields[0].text) > LONGEST_FROM:
        return None
    addresses = [
        bracketed[1] if (bracketed := _BRACKETS.search(address)) else address
        for address in _IGNORED.sub("", fields[0].text).split(",")
        if address.strip()
    ]
    domains = {
        domain_of(domain.strip()) if at else None
        for _, at, domain in (address.rpartition("@") for address in addresses)
    }
    return domains.pop() if len(domains) == 1 else None


async def check_dmarc(
    author: str | None, spf: Verdict | None, dkim: DkimVerdicts | None, lookups: Lookups
) -> Verdict | None:
    """The verdict on a message from this domain; None if it is unknown, since that of SPF or DKIM
    is."""
    if author is None:
        return Verdict(Result.PERMERROR, "From does not name exactly one domain")
    records = DmarcRecords(lookups)
    try:
        applied = await _applied(author, records)
        if applied is None:
            why = records.ignored.get(author, f"there is no DMARC record for {author}")
            return Verdict(Result.NONE, why, author, f"_dmarc.{author}")
        if not applied.applies:
            why = f"the DMARC record at {applied.name} has no valid policy (p=)"
            return Verdict(Result.PERMERROR, why, author, applied.name)
        if aligned := await _aligned(author, applied, spf, dkim, records):
            return Verdict(Result.PASS, aligned, author, applied.name)
        if spf is None or dkim is None:
            return None
        if dkim.failed_lookups or spf.result is Result.TEMPERROR:
            why = "SPF or DKIM could not be checked"
            return Verdict(Result.TEMPERROR, why, author, applied.name)
        policy = await _policy(author, applied, lookups)
    except LookupFailed as error:
        return temperror(error, author)
    why = f"neither SPF nor DKIM passed for {author}; its policy is {policy}"
    return Verdict(Result.FAIL, why, author, applied.name)


async def _applied(author: str, records: DmarcRecords) -> DmarcRecord | None:
    """The record that applies: the author's own, that of its Organizational Domain, or that of the
    public suffix above it (section 4.10.1)."""
    own = await records.at(author)
    if own is not None:
        return own
    found = await records.walk(author)
    above = organization(author, found)
    own = next((record for record in found if record.domain == above), None)
    return own or next((record for record in found if record.psd == "y"), None)


async def _aligned(
    author: str,
    record: DmarcRecord,
    spf: Verdict | None,
    dkim: DkimVerdicts | None,
    records: DmarcRecords,
) -> str:
    """The method that passed for the author's domain (section 4.4), for people; empty if none
    did."""
    passed = [("dkim", verdict.domain) for verdict in (dkim.passed if dkim else ())]
    if spf is not None and spf.result is Result.PASS:
        passed.append(("spf", spf.domain))
    for method, domain in passed:
        if domain == author:
            return f"{method.upper()} passed for {author}"
    related = [
        (method, domain)
        for method, domain in passed
        if not record.is_strict(method) and _may_be_related(author, domain)
    ]
    for method, domain in related:
        organization = await records.organization(author)
        if organization == await records.organization(domain):
            return f"{method.upper()} passed for {domain}, which is also in {organization}"
    return ""


def _may_be_related(one: str, other: str) -> bool:
    """Whether two domains have a name above them in common: others need no queries."""
    return one.rpartition(".")[2] == other.rpartition(".")[2]


async def _policy(author: str, record: DmarcRecord, lookups: Lookups) -> str:
    """What the domain wants done with the message (section 4.7), for people."""
    if record.domain == author:
        policy = record.policy("p")
    elif "np" in record.tags and not await _exists(author, lookups):
        policy = record.policy("np")
    else:
        policy = record.policy("sp")
    return f"{policy}, in test mode (t=y)" if record.testing else policy


async def _exists(domain: str, lookups: Lookups) -> bool:
    """Whether a domain has an address or an exchanger (section 3.2.13)."""
    for kind in ("MX", "A", "AAAA"):
        if await lookups.records(domain, kind):
            return True
    return False
