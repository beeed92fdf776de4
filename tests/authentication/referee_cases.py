"""Messages, their clients and the DNS, for the referees. Each case has a domain of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.core.facts import Client
from exporter.net.dns_answer import DnsResult
from tests.support.signing import ed25519, published, rsa, sealed, with_tags

Types = dict[str, Sequence[str] | DnsResult]
OWN, OTHER = "192.0.2.1", "198.51.100.9"


def message(domain: str) -> bytes:
    return (
        f"From: Probe <probe@{domain}>\r\nTo: monitor@example.net\r\nSubject: a  message\r\n"
        "Date: Tue, 03 Feb 2026 04:05:06 +0000\r\n"
        f"Message-ID: <1@{domain}>\r\n\r\nThe first line.\r\nThe second  line.\r\n"
    ).encode()


@dataclass
class Case:
    """One message. `judged` are the methods to compare."""

    domain: str
    judged: tuple[str, ...]
    zone: dict[str, Types] = field(default_factory=dict)
    raw: bytes = b""
    client: Client = field(default_factory=lambda: Client(OWN, "", ""))


Change = Callable[[Case], None]


def spf(
    record: str | Sequence[str], below: Mapping[str, Types] | None = None, address: str = OWN
) -> Change:
    """The record of the domain, and of names below it."""

    def change(case: Case) -> None:
        texts = [record] if isinstance(record, str) else record
        texts = [text.replace("DOMAIN", case.domain) for text in texts]
        case.zone.setdefault(case.domain, {})["TXT"] = texts
        for name, types in (below or {}).items():
            case.zone[f"{name}.{case.domain}"] = {
                kind: found
                if isinstance(found, DnsResult)
                else [text.replace("DOMAIN", case.domain) for text in found]
                for kind, found in types.items()
            }
        case.client = Client(address, f"mx.{case.domain}", f"probe@{case.domain}")

    return change


def slow(name: str, kind: str) -> Change:
    """The DNS fails for a name."""

    def change(case: Case) -> None:
        full = f"{name}.{case.domain}" if name else case.domain
        case.zone[full] = {kind: DnsResult.SERVFAIL}

    return change


def dkim(key: object = None, record: str | None = None, **tags: str | None) -> Change:
    """One more signature, with its key."""

    def change(case: Case) -> None:
        own = key or rsa()
        given = {"d": case.domain, **tags}
        case.raw = with_tags(given, case.raw, own)  # type: ignore[arg-type]
        name = f"{given.get('s') or 's1'}._domainkey.{given['d']}"
        text = published(own) if record is None else record  # type: ignore[arg-type]
        if text:
            case.zone[name] = {"TXT": [text]}

    return change


def altered(before: bytes, after: bytes) -> Change:
    def change(case: Case) -> None:
        assert before in case.raw
        case.raw = case.raw.replace(before, after, 1)

    return change


def dmarc(record: str | Sequence[str], below: str = "") -> Change:
    def change(case: Case) -> None:
        texts = [record] if isinstance(record, str) else record
        case.zone[f"_dmarc.{below}{case.domain}"] = {"TXT": list(texts)}

    return change


def author(below: str) -> Change:
    """The author's domain is one below the case's."""

    def change(case: Case) -> None:
        case.raw = case.raw.replace(
            f"probe@{case.domain}".encode(), f"probe@{below}.{case.domain}".encode()
        )

    return change


def sender(below: str) -> Change:
    """The domain of MAIL FROM is one below the case's."""

    def change(case: Case) -> None:
        name = f"{below}.{case.domain}"
        case.zone[name] = {"TXT": [f"v=spf1 ip4:{OWN} -all"]}
        case.client = Client(OWN, f"mx.{case.domain}", f"probe@{name}")

    return change


def bounce(case: Case) -> None:
    case.client = Client(case.client.address, case.client.helo, "")


def forwarded(number: int) -> Change:
    def change(case: Case) -> None:
        name = f"list.{case.domain}"
        case.raw = sealed(case.raw, number, name)
        case.zone[f"arc._domainkey.{name}"] = {"TXT": [published(rsa())]}
        case.client = Client(OTHER, f"mx.{name}", f"probe@{case.domain}")

    return change


NEVER = "v=spf1 -all"
INCLUDES: Mapping[str, Types] = {
    f"i{n}": {"TXT": [f"v=spf1 ip4:203.0.113.{n} -all"]} for n in range(11)
}


def including(count: int) -> str:
    names = " ".join(f"include:i{n}.DOMAIN" for n in range(count))
    return f"v=spf1 {names} ip4:{OWN} -all"


SPF, DKIM, DMARC, ARC = ("spf",), ("dkim",), ("dmarc",), ("arc",)
CASES: Mapping[str, tuple[tuple[str, ...], Sequence[Change]]] = {
    "spf pass": (SPF, [spf(f"v=spf1 ip4:{OWN} -all")]),
    "spf fail": (SPF, [spf(NEVER)]),
    "spf softfail": (SPF, [spf("v=spf1 ~all")]),
    "spf neutral": (SPF, [spf("v=spf1 ?all")]),
    "spf without all": (SPF, [spf("v=spf1 ip4:203.0.113.1")]),
    "spf no record": (SPF, [spf("another text")]),
    "spf two records": (SPF, [spf([NEVER, "v=spf1 +all"])]),
    "spf syntax error": (SPF, [spf("v=spf1 ipv4:192.0.2.1 -all")]),
    "spf ten look-ups": (SPF, [spf(including(10), INCLUDES)]),
    "spf eleven look-ups": (SPF, [spf(including(11), INCLUDES)]),
    "spf two void look-ups": (SPF, [spf(f"v=spf1 a:x.DOMAIN a:y.DOMAIN ip4:{OWN} -all")]),
    "spf three void look-ups": (SPF, [spf(f"v=spf1 a:x.DOMAIN a:y.DOMAIN a:z.DOMAIN ip4:{OWN} -all")]),
    "spf include": (SPF, [spf("v=spf1 include:i.DOMAIN -all", {"i": {"TXT": [f"v=spf1 ip4:{OWN} -all"]}})]),
    "spf include of a fail": (SPF, [spf("v=spf1 include:i.DOMAIN ~all", {"i": {"TXT": [NEVER]}})]),
    "spf include without a record": (SPF, [spf("v=spf1 include:i.DOMAIN -all")]),
    "spf redirect": (SPF, [spf("v=spf1 redirect=r.DOMAIN", {"r": {"TXT": ["v=spf1 ~all"]}})]),
    "spf a": (SPF, [spf("v=spf1 a:h.DOMAIN -all", {"h": {"A": ["203.0.113.1", OWN]}})]),
    "spf a with a prefix": (SPF, [spf("v=spf1 a:h.DOMAIN/24 -all", {"h": {"A": ["192.0.2.200"]}})]),
    "spf mx": (SPF, [spf("v=spf1 mx:m.DOMAIN -all", {"m": {"MX": ["10 h.DOMAIN."]}, "h": {"A": [OWN]}})]),
    "spf exists": (SPF, [spf("v=spf1 exists:%{ir}.l.DOMAIN -all", {"1.2.0.192.l": {"A": ["127.0.0.2"]}})]),
    "spf ip6": (SPF, [spf("v=spf1 ip6:2001:db8::/32 -all", address="2001:db8::1")]),
    "spf bounce": (SPF, [spf(NEVER, {"mx": {"TXT": [f"v=spf1 ip4:{OWN} -all"]}}), bounce]),
    "spf slow": (SPF, [spf(NEVER), slow("", "TXT")]),
    "dkim 2048 bit": (DKIM, [dkim()]),
    "dkim 1024 bit": (DKIM, [dkim(rsa(1024))]),
    "dkim ed25519": (DKIM, [dkim(ed25519())]),
    "dkim simple": (DKIM, [dkim(c="simple/simple")]),
    "dkim two signatures": (DKIM, [dkim(), dkim(ed25519(), s="s2")]),
    "dkim one of two is broken": (DKIM, [dkim(record="v=DKIM1; p=", s="s2"), dkim()]),
    "dkim none": (DKIM, []),
    "dkim body changed": (DKIM, [dkim(), altered(b"first", b"last")]),
    "dkim header changed": (DKIM, [dkim(), altered(b"Subject: a", b"Subject: b")]),
    "dkim relaxed form": (DKIM, [dkim(), altered(b"a  message", b"a \t message "), altered(b"second  line.", b"second \t line. ")]),
    "dkim simple form changed": (DKIM, [dkim(c="simple/simple"), altered(b"second  line", b"second line")]),
    "dkim key gone": (DKIM, [dkim(record="")]),
    "dkim key empty": (DKIM, [dkim(record="v=DKIM1; p=")]),
    "dkim another key": (DKIM, [dkim(record=published(rsa(1024)))]),
    "dkim expired": (DKIM, [dkim(t="1600000000", x="1600001000")]),
    "dkim length": (DKIM, [dkim(l="10")]),
    "dkim slow": (DKIM, [dkim(), slow("s1._domainkey", "TXT")]),
    "dmarc by spf": (DMARC, [spf(f"v=spf1 ip4:{OWN} -all"), dmarc("v=DMARC1; p=reject")]),
    "dmarc by dkim": (DMARC, [spf(NEVER), dkim(), dmarc("v=DMARC1; p=reject")]),
    "dmarc fail": (DMARC, [spf(NEVER), dmarc("v=DMARC1; p=reject")]),
    "dmarc no record": (DMARC, [spf(f"v=spf1 ip4:{OWN} -all")]),
    "dmarc two records": (DMARC, [spf(NEVER), dmarc(["v=DMARC1; p=reject", "v=DMARC1; p=none"])]),
    "dmarc relaxed": (DMARC, [spf(NEVER), sender("bounce"), dmarc("v=DMARC1; p=reject")]),
    "dmarc strict": (DMARC, [spf(NEVER), sender("bounce"), dmarc("v=DMARC1; p=reject; aspf=s")]),
    "dmarc strict dkim": (DMARC, [spf(NEVER), author("news"), dkim(), dmarc("v=DMARC1; p=reject; adkim=s")]),
    "dmarc subdomain": (DMARC, [spf(NEVER), author("news"), dkim(), dmarc("v=DMARC1; p=reject")]),
    "dmarc subdomain fails": (DMARC, [spf(NEVER), author("news"), dmarc("v=DMARC1; p=none; sp=reject")]),
    "arc one forwarder": (ARC, [spf(NEVER), dkim(), dmarc("v=DMARC1; p=reject"), forwarded(1)]),
    "arc two forwarders": (ARC, [dkim(), forwarded(1), forwarded(2)]),
    "arc none": (ARC, [dkim()]),
    "arc body changed": (ARC, [dkim(), forwarded(1), altered(b"first", b"last")]),
    "arc results changed": (ARC, [dkim(), forwarded(1), altered(b"dkim=pass", b"dkim=fail")]),
}  # fmt: skip


def made() -> dict[str, Case]:
    cases = {}
    for number, (name, (judged, changes)) in enumerate(CASES.items()):
        domain = f"case{number}.org"
        case = Case(domain, judged, raw=message(domain))
        case.client = Client(OWN, f"mx.{domain}", f"probe@{domain}")
        for change in changes:
            change(case)
        cases[name] = case
    return cases
