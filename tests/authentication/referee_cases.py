"""Messages, their clients and the DNS, for the referees. Each case has a domain of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

from exporter.core.facts import Client
from exporter.net.dns.answer import DnsResult
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
    """One message, and the method that it is about."""

    domain: str
    method: str
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
            case.zone[f"{name.replace('DOMAIN', case.domain)}.{case.domain}"] = {
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
        given = {
            tag: value and value.replace("DOMAIN", case.domain)
            for tag, value in {"d": case.domain, **tags}.items()
        }
        case.raw = with_tags(given, case.raw, own)  # type: ignore[arg-type]
        name = f"{given.get('s') or 's1'}._domainkey.{given['d']}"
        text = published(own) if record is None else record  # type: ignore[arg-type]
        if text:
            case.zone[name] = {"TXT": [text]}

    return change


def short_rsa() -> RSAPrivateKey:
    """A key of 512 bits, which cryptography does not generate."""
    p = 0xF1620A6266B63043A2CB6EAC503094DD75A85E42BF95AE40BDCC819FE6962461
    q = 0xEBA2C772009A17F156EE3ED0764FDB969CA3147132F343D3D80724EA5ADC8B6F
    exponent = 65537
    private = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = RSAPrivateNumbers(
        *(p, q, private),
        *(rsa_crt_dmp1(private, p), rsa_crt_dmq1(private, q), rsa_crt_iqmp(p, q)),
        RSAPublicNumbers(exponent, p * q),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


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


def forwarded(number: int, cv: str = "") -> Change:
    def change(case: Case) -> None:
        name = f"list.{case.domain}"
        case.raw = sealed(case.raw, number, name, cv)
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


CASES: Mapping[str, Sequence[Change]] = {
    "spf pass": [spf(f"v=spf1 ip4:{OWN} -all")],
    "spf fail": [spf(NEVER)],
    "spf softfail": [spf("v=spf1 ~all")],
    "spf neutral": [spf("v=spf1 ?all")],
    "spf without all": [spf("v=spf1 ip4:203.0.113.1")],
    "spf no record": [spf("another text")],
    "spf two records": [spf([NEVER, "v=spf1 +all"])],
    "spf syntax error": [spf("v=spf1 ipv4:192.0.2.1 -all")],
    "spf ten look-ups": [spf(including(10), INCLUDES)],
    "spf eleven look-ups": [spf(including(11), INCLUDES)],
    "spf two void look-ups": [spf(f"v=spf1 a:x.DOMAIN a:y.DOMAIN ip4:{OWN} -all")],
    "spf three void look-ups": [spf(f"v=spf1 a:x.DOMAIN a:y.DOMAIN a:z.DOMAIN ip4:{OWN} -all")],
    "spf include": [
        spf("v=spf1 include:i.DOMAIN -all", {"i": {"TXT": [f"v=spf1 ip4:{OWN} -all"]}})
    ],
    "spf include of a fail": [spf("v=spf1 include:i.DOMAIN ~all", {"i": {"TXT": [NEVER]}})],
    "spf include without a record": [spf("v=spf1 include:i.DOMAIN -all")],
    "spf redirect": [spf("v=spf1 redirect=r.DOMAIN", {"r": {"TXT": ["v=spf1 ~all"]}})],
    "spf a": [spf("v=spf1 a:h.DOMAIN -all", {"h": {"A": ["203.0.113.1", OWN]}})],
    "spf a with a prefix": [spf("v=spf1 a:h.DOMAIN/24 -all", {"h": {"A": ["192.0.2.200"]}})],
    "spf mx": [spf("v=spf1 mx:m.DOMAIN -all", {"m": {"MX": ["10 h.DOMAIN."]}, "h": {"A": [OWN]}})],
    "spf exists": [spf("v=spf1 exists:%{ir}.l.DOMAIN -all", {"1.2.0.192.l": {"A": ["127.0.0.2"]}})],
    "spf ip6": [spf("v=spf1 ip6:2001:db8::/32 -all", address="2001:db8::1")],
    "spf bounce": [spf(NEVER, {"mx": {"TXT": [f"v=spf1 ip4:{OWN} -all"]}}), bounce],
    "spf redirect without a record": [spf("v=spf1 redirect=r.DOMAIN")],
    "spf macros": [
        spf(
            "v=spf1 include:%{d2}._spf.%{o} -all",
            {"DOMAIN._spf": {"TXT": [f"v=spf1 ip4:{OWN} -all"]}},
        )
    ],
    "spf another network": [spf("v=spf1 ip4:192.0.2.128/25 ip4:198.51.100.0/24 -all")],
    "spf mx of another domain fails": [spf("v=spf1 mx -all", {"h": {"A": [OWN]}})],
    "spf slow": [spf(NEVER), slow("", "TXT")],
    "dkim 2048 bit": [dkim()],
    "dkim 1024 bit": [dkim(rsa(1024))],
    "dkim ed25519": [dkim(ed25519())],
    "dkim simple": [dkim(c="simple/simple")],
    "dkim two signatures": [dkim(), dkim(ed25519(), s="s2")],
    "dkim one of two is broken": [dkim(record="v=DKIM1; p=", s="s2"), dkim()],
    "dkim none": [],
    "dkim body changed": [dkim(), altered(b"first", b"last")],
    "dkim header changed": [dkim(), altered(b"Subject: a", b"Subject: b")],
    "dkim relaxed form": [
        dkim(),
        altered(b"a  message", b"a \t message "),
        altered(b"second  line.", b"second \t line. "),
    ],
    "dkim simple form changed": [dkim(c="simple/simple"), altered(b"second  line", b"second line")],
    "dkim key gone": [dkim(record="")],
    "dkim key empty": [dkim(record="v=DKIM1; p=")],
    "dkim another key": [dkim(record=published(rsa(1024)))],
    "dkim expired": [dkim(t="1600000000", x="1600001000")],
    "dkim 512 bit": [dkim(short_rsa())],
    "dkim key for another service": [dkim(record=published(rsa(), s="other"))],
    "dkim key for another hash": [dkim(record=published(rsa(), h="sha1"))],
    "dkim key of another type": [dkim(record=published(rsa(), k="ed25519"))],
    "dkim key for the domain alone": [dkim(record=published(rsa(), t="s"))],
    "dkim a subdomain's identity": [dkim(i="@news.DOMAIN")],
    "dkim a subdomain's identity is not allowed": [
        dkim(record=published(rsa(), t="s"), i="@news.DOMAIN")
    ],
    "dkim without From": [dkim(h="to:subject:date")],
    "dkim of another domain": [dkim(d="other.org")],
    "dkim length": [dkim(l="10")],
    "dkim slow": [dkim(), slow("s1._domainkey", "TXT")],
    "dmarc by spf": [spf(f"v=spf1 ip4:{OWN} -all"), dmarc("v=DMARC1; p=reject")],
    "dmarc by dkim": [spf(NEVER), dkim(), dmarc("v=DMARC1; p=reject")],
    "dmarc fail": [spf(NEVER), dmarc("v=DMARC1; p=reject")],
    "dmarc no record": [spf(f"v=spf1 ip4:{OWN} -all")],
    "dmarc two records": [spf(NEVER), dmarc(["v=DMARC1; p=reject", "v=DMARC1; p=none"])],
    "dmarc relaxed": [spf(NEVER), sender("bounce"), dmarc("v=DMARC1; p=reject")],
    "dmarc strict": [spf(NEVER), sender("bounce"), dmarc("v=DMARC1; p=reject; aspf=s")],
    "dmarc strict dkim": [spf(NEVER), author("news"), dkim(), dmarc("v=DMARC1; p=reject; adkim=s")],
    "dmarc subdomain": [spf(NEVER), author("news"), dkim(), dmarc("v=DMARC1; p=reject")],
    "dmarc subdomain fails": [spf(NEVER), author("news"), dmarc("v=DMARC1; p=none; sp=reject")],
    "dmarc another domain's signature": [
        spf(NEVER),
        dkim(d="another.org"),
        dmarc("v=DMARC1; p=reject"),
    ],
    "dmarc a subdomain's signature": [
        spf(NEVER),
        dkim(d="mail.DOMAIN"),
        dmarc("v=DMARC1; p=reject"),
    ],
    "dmarc quarantine": [spf(NEVER), dmarc("v=DMARC1; p=quarantine")],
    "dmarc no subdomain's record": [
        spf(NEVER),
        author("news"),
        sender("news"),
        dmarc("v=DMARC1; p=reject"),
    ],
    "dmarc a subdomain's own record": [
        spf(NEVER),
        author("news"),
        dmarc("v=DMARC1; p=reject"),
        dmarc("v=DMARC1; p=none", "news."),
    ],
    "dmarc only tested": [spf(NEVER), dmarc("v=DMARC1; p=reject; t=y")],
    "dmarc of a name that does not exist": [
        spf(NEVER),
        author("nowhere"),
        dmarc("v=DMARC1; p=none; np=reject"),
    ],
    "dmarc percent": [spf(NEVER), dmarc("v=DMARC1; p=reject; pct=0")],
    "dmarc softfail": [spf("v=spf1 ~all"), dmarc("v=DMARC1; p=reject")],
    "arc one forwarder": [spf(NEVER), dkim(), dmarc("v=DMARC1; p=reject"), forwarded(1)],
    "arc two forwarders": [dkim(), forwarded(1), forwarded(2)],
    "arc a set is missing": [dkim(), forwarded(2)],
    "arc a forwarder found it broken": [dkim(), forwarded(1), forwarded(2, "fail")],
    "arc none": [dkim()],
    "arc body changed": [dkim(), forwarded(1), altered(b"first", b"last")],
    "arc results changed": [dkim(), forwarded(1), altered(b"dkim=pass", b"dkim=fail")],
}


def made() -> dict[str, Case]:
    cases = {}
    for number, (name, changes) in enumerate(CASES.items()):
        domain, method = f"case{number}.org", name.partition(" ")[0]
        case = Case(domain, method, raw=message(domain))
        case.client = Client(OWN, f"mx.{domain}", f"probe@{domain}")
        for change in changes:
            change(case)
        cases[name] = case
    return cases
