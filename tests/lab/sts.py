"""Domains with policies of MTA-STS: what each announces, what the host of its policy answers, and
where its exchangers are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.lab import facts
from tests.lab.rundir import RunDirectory

ZONE = "sts.test"
ELSEWHERE = "mx.elsewhere.test"  # no exchanger of any domain
BELOW_DANE = ["covered.dane.test", "uncovered.dane.test"]
MAX_AGE = 86400  # seconds


@dataclass(frozen=True, slots=True)
class StsDomain:
    """By default with a policy to enforce, and an exchanger that meets it."""

    mode: str = "enforce"
    patterns: Sequence[str] = ("mx.DOMAIN",)
    exchangers: Sequence[tuple[str, str]] = (("mx", facts.MX_IP),)  # by preference
    ids: Sequence[str] = ("1",)
    """Of the records that announce the policy."""
    host: str = facts.POLICY_IP
    certificate: Literal["good", "expired"] = "good"
    status: int = 200
    content_type: str = "text/plain"
    version: str = "STSv1"

    def policy(self, domain: str) -> str:
        """Its text."""
        fields = [f"version: {self.version}", f"mode: {self.mode}", f"max_age: {MAX_AGE}"]
        fields += [f"mx: {pattern.replace('DOMAIN', domain)}" for pattern in self.patterns]
        return "\r\n".join([*fields, ""])


BAD = (("mx", facts.EXPIRED_MX_IP),)  # to see whether a policy counts
OTHER_NAME = (("mx", facts.OTHER_NAME_MX_IP),)
DOMAINS = {
    "enforce.sts.test": StsDomain(),
    "wildcard.sts.test": StsDomain(patterns=["*.DOMAIN"]),
    # the first exchanger has no certificate for its name
    "second.sts.test": StsDomain(
        patterns=["first.DOMAIN", "mx.DOMAIN"],
        exchangers=[("first", facts.OTHER_NAME_MX_IP), ("mx", facts.MX_IP)],
    ),
    "remembered.sts.test": StsDomain(exchangers=BAD),
    "elsewhere.sts.test": StsDomain(patterns=[ELSEWHERE]),
    "misnamed.sts.test": StsDomain(exchangers=OTHER_NAME),
    "expired.sts.test": StsDomain(exchangers=BAD),
    "plain.sts.test": StsDomain(exchangers=[("mx", facts.PLAIN_MX_IP)]),
    "testing.sts.test": StsDomain("testing", exchangers=BAD),
    "off.sts.test": StsDomain("none", exchangers=BAD),
    "unannounced.sts.test": StsDomain(exchangers=BAD, ids=[]),
    "twice.sts.test": StsDomain(exchangers=BAD, ids=["1", "2"]),
    "hostdown.sts.test": StsDomain(exchangers=BAD, host=facts.DEAD_IP),
    "hostmisnamed.sts.test": StsDomain(exchangers=BAD),
    "hostexpired.sts.test": StsDomain(exchangers=BAD, certificate="expired"),
    "missing.sts.test": StsDomain(exchangers=BAD, status=404),
    "moved.sts.test": StsDomain(exchangers=BAD, status=302),
    "html.sts.test": StsDomain(exchangers=BAD, content_type="text/html"),
    "malformed.sts.test": StsDomain(exchangers=BAD, version="STSv2"),
    # an asterisk is one label (RFC 8461 section 4.1)
    "deeper.sts.test": StsDomain(patterns=["*.DOMAIN"], exchangers=[("mx.a", facts.MX_IP)]),
    # another exchanger's name, which is also in the certificate
    "foreign.sts.test": StsDomain(patterns=["mx1.lab.test"]),
    "borrowed.sts.test": StsDomain(patterns=["mx.DOMAIN", "relay.lab.test"], exchangers=OTHER_NAME),
    "covered.dane.test": StsDomain(),
    "uncovered.dane.test": StsDomain(patterns=[ELSEWHERE]),
}


def announcement(domain: str) -> list[str]:
    """Lines of a zone: the records for its policy, and the host of that."""
    published = DOMAINS[domain]
    return [
        f"mta-sts.{domain}. A {published.host}",
        *(f'_mta-sts.{domain}. TXT "v=STSv1; id={one};"' for one in published.ids),
    ]


def make_zone(rundir: RunDirectory) -> None:
    lines = [
        "$TTL 5",
        "@ SOA ns.lab.test. hostmaster.lab.test. 1 60 30 3600 2",
        "@ NS ns.lab.test.",
    ]
    for domain in (one for one in DOMAINS if one.endswith(f".{ZONE}")):
        lines += announcement(domain)
        for preference, (name, address) in enumerate(DOMAINS[domain].exchangers):
            lines += [
                f"{domain}. MX {preference} {name}.{domain}.",
                f"{name}.{domain}. A {address}",
            ]
    rundir.path("etc/dns", f"{ZONE}.zone").write_text("\n".join([*lines, ""]))
