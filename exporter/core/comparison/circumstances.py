"""What a trip met on its way, in a form that can be compared with other trips: the exchangers, the
servers, their certificates, the hops, and how the receiver judged the sender."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.facts import (
    Arrival,
    Authentication,
    Client,
    DnsRecords,
    Hop,
    InboxTab,
    LeftFrom,
    MailServer,
    RecordKind,
    SenderCheck,
    SpamScore,
)
from exporter.core.model import Fact, PlaintextFallback, TlsPolicy, TlsSession
from exporter.core.one_line import one_line
from exporter.core.phases import Leg
from exporter.core.timing.when import utc_minute

MAX_VALUE = 600  # characters
MOST_VALUES = 20  # of an aspect


class What(StrEnum):
    """What is compared, the most telling first. Those of `SAMPLED` show one of many in each trip:
    a host may stand for several servers."""

    BLOCKLIST = "blocklist"
    LEFT_FROM = "left_from"
    EHLO_NAME = "ehlo_name"
    EXCHANGERS = "exchangers"
    ADDRESSES = "addresses"
    SPF = "spf_record"
    DMARC = "dmarc_record"
    SELECTOR = "dkim_selector"
    DKIM_KEY = "dkim_key"
    RESULT = "authentication"
    CERTIFICATE = "certificate"
    CLIENT_CERTIFICATE = "client_certificate"
    TLS = "tls"
    TLS_POLICY = "tls_policy"
    HOPS = "hops"
    NETWORKS = "networks"
    SERVER_NAME = "server_name"
    SEEN_AS = "seen_as"
    FOLDER = "folder"
    TAB = "inbox_tab"
    SPAM_SCORE = "spam_score"


SAMPLED = frozenset(
    {
        What.LEFT_FROM,
        What.EHLO_NAME,
        What.SELECTOR,
        What.RESULT,
        What.CERTIFICATE,
        What.TLS,
        What.TLS_POLICY,
        What.HOPS,
        What.NETWORKS,
        What.SERVER_NAME,
        What.SEEN_AS,
        What.FOLDER,
        What.TAB,
    }
)
WHOLE = frozenset({What.HOPS, What.NETWORKS}) | (frozenset(What) - SAMPLED)
"""Those whose values are all known in each trip, so that a missing one is gone."""

_NAMES: Mapping[What, str] = {
    What.BLOCKLIST: "the standing on {about}",
    What.LEFT_FROM: "the leaving address",
    What.EHLO_NAME: "the EHLO name of the leaving server",
    What.EXCHANGERS: "the exchangers of {about}",
    What.ADDRESSES: "the addresses of {about}",
    What.SPF: "the SPF record of {about}",
    What.DMARC: "the DMARC record at {about}",
    What.SELECTOR: "the DKIM selector of {about}",
    What.DKIM_KEY: "the DKIM key at {about}",
    What.RESULT: "the result of {about}",
    What.CERTIFICATE: "the certificate of {about}",
    What.CLIENT_CERTIFICATE: "our client certificate for {about}",
    What.TLS: "the TLS version of {about}",
    What.TLS_POLICY: "the TLS policy",
    What.HOPS: "the servers on the way",
    What.NETWORKS: "the domains of the servers on the way",
    What.SERVER_NAME: "the name that {about} gives itself",
    What.SEEN_AS: "our address as {about} sees it",
    What.FOLDER: "the folder",
    What.TAB: "the tab of the inbox",
    What.SPAM_SCORE: "the spam score of {about}",
}


def name_of(what: str, about: str) -> str:
    """What it is, for people; the word itself if another version wrote it."""
    known = next((one for one in What if one == what), None)
    return _NAMES[known].format(about=about) if known else f"{what} {about}".strip()


@dataclass(frozen=True, slots=True, order=True)
class Aspect:
    """One thing that can be compared."""

    what: What
    about: str = ""

    def __str__(self) -> str:
        return name_of(self.what, self.about)


Circumstances = Mapping[Aspect, frozenset[str]]
"""The values of each aspect that a trip knows. An empty set: it is known that there is none."""

_RECORDS = {
    RecordKind.MX: What.EXCHANGERS,
    RecordKind.SPF: What.SPF,
    RecordKind.DMARC: What.DMARC,
    RecordKind.DKIM: What.DKIM_KEY,
}
_DOMAIN_KEY = "._domainkey."
_DECIDED = frozenset({"pass", "fail", "softfail", "neutral", "none", "permerror", "policy"})


def circumstances_of(facts: Iterable[Fact]) -> dict[Aspect, frozenset[str]]:
    """What these facts of a trip say."""
    facts = tuple(facts)
    arrived = any(isinstance(fact, Arrival) for fact in facts)
    found: defaultdict[Aspect, set[str]] = defaultdict(set)
    for fact in facts:
        for aspect, values in _aspects(fact, arrived=arrived):
            found[aspect].update(one_line(value, MAX_VALUE) for value in values)
    for aspect, values in _leaving(facts):
        found[aspect].update(values)
    return {aspect: frozenset(sorted(values)[:MOST_VALUES]) for aspect, values in found.items()}


def _aspects(fact: Fact, *, arrived: bool) -> Iterator[tuple[Aspect, Sequence[str]]]:
    match fact:
        case DnsRecords():
            yield Aspect(_RECORDS[fact.kind], fact.name), fact.texts
            selector, found, domain = fact.name.partition(_DOMAIN_KEY)
            if fact.kind is RecordKind.DKIM and found:
                yield Aspect(What.SELECTOR, domain), [selector]
        case MailServer():
            if not fact.proxy:
                yield Aspect(What.ADDRESSES, fact.host), fact.addresses
            if fact.calls_itself:
                yield Aspect(What.SERVER_NAME, fact.host), [fact.calls_itself]
            if fact.sees_us_as:
                yield Aspect(What.SEEN_AS, fact.host), [fact.sees_us_as]
        case TlsSession():
            place = f"{fact.host} ({fact.leg})" if fact.host else fact.place
            if fact.fingerprint:
                yield Aspect(What.CERTIFICATE, place), [certificate_in_words(fact)]
            if fact.client_certificate:
                yield Aspect(What.CLIENT_CERTIFICATE, place), [fact.client_certificate]
            if fact.version:
                yield Aspect(What.TLS, place), [fact.version]
        case PlaintextFallback():
            yield Aspect(What.TLS, f"{fact.host} ({Leg.SEND})"), ["none"]
        case TlsPolicy():
            yield Aspect(What.TLS_POLICY), [f"{fact.policy}, {fact.mode}"]
        case Hop() if arrived and fact.by:
            yield Aspect(What.HOPS), [fact.by]
            yield Aspect(What.NETWORKS), [_network(fact.by)]
        case Authentication() if fact.result in _DECIDED:
            yield Aspect(What.RESULT, fact.method.upper()), [fact.result]
        case SenderCheck() if fact.result in _DECIDED:
            yield Aspect(What.RESULT, f"{fact.method.upper()} (own check)"), [fact.result]
        case SpamScore():
            yield Aspect(What.SPAM_SCORE, fact.scanner), [f"{fact.score:g}"]
        case InboxTab():
            yield Aspect(What.TAB), [fact.tab]
        case Arrival():
            folder = f"{fact.folder or 'the mailbox'}{' (spam)' if fact.junk else ''}"
            yield Aspect(What.FOLDER), [folder]


def _leaving(facts: Sequence[Fact]) -> Iterator[tuple[Aspect, Sequence[str]]]:
    """From where the mail came to the receiver, and how its client called itself. The connection
    itself counts more than a header."""
    client = next((one for one in facts if isinstance(one, Client)), None)
    header = next((one.address for one in facts if isinstance(one, LeftFrom)), "")
    address = header or (client.address if client else "")
    hops = [one for one in facts if isinstance(one, Hop) and one.address == address]
    name = hops[-1].helo if hops else ""
    if client and client.address == address:
        name = client.helo
    if address:
        yield Aspect(What.LEFT_FROM), [address]
        if name:
            yield Aspect(What.EHLO_NAME), [one_line(name.lower(), MAX_VALUE)]


def certificate_in_words(fact: TlsSession) -> str:
    """A certificate, so that two are alike only if they are the same."""
    ends = "" if fact.expires_at is None else f", valid until {utc_minute(fact.expires_at)}"
    issued = f", {fact.issued}" if fact.issued else ""
    return f"SHA-256 {fact.fingerprint[:16]}…{ends}{issued}"


def _network(host: str) -> str:
    """The domain of a server, without the number of a machine in it; `an address` for one."""
    if ":" in host or host.replace(".", "").isdigit():
        return "an address"
    labels = host.split(".")
    return ".".join(labels[-2:]) if len(labels) > 2 else host
