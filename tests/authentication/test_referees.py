"""Our verdicts beside those of other programs, on the same messages, with the same DNS."""

import re
import smtplib
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.authentication import Authenticator
from exporter.core.facts import Client
from exporter.core.timing.clock import Clock
from exporter.net.dns.answer import DnsResult
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from tests.authentication.referee_cases import Case, made, message
from tests.authentication.referees import Said
from tests.authentication.referees.opendkim import by_opendkim
from tests.authentication.referees.opendmarc import by_opendmarc
from tests.authentication.referees.rspamd import by_rspamd
from tests.authentication.referees.strict import by_perl
from tests.lab.client import Lab, LabUser
from tests.support.name_server import Zone, name_server

ROOT = Path(__file__).resolve().parents[2]
NOT_PERMERROR = "section 6.1.2: PERMFAIL, and so permerror (RFC 8601 section 2.7.1)"
EXPLAINED = {
    ("spf two records", "rspamd"): "RFC 7208 section 4.5: permerror. rspamd takes one of them",
    ("spf syntax error", "rspamd"): "RFC 7208 section 4.6: permerror. rspamd ignores the term",
    ("spf eleven look-ups", "rspamd"): "RFC 7208 section 4.6.4: permerror. rspamd allows 30",
    ("spf three void look-ups", "rspamd"): "RFC 7208 section 4.6.4: permerror, a SHOULD",
    ("spf include without a record", "rspamd"): "RFC 7208 section 5.2: permerror",
    ("dkim ed25519", "Mail::DKIM"): "RFC 8463 section 3: Debian 12 has a version without it",
    ("dkim 512 bit", "rspamd"): "RFC 8301 section 3.2: fewer than 1,024 bits are never valid",
    ("dkim 512 bit", "Mail::DKIM"): "RFC 8301 section 3.2: fewer than 1,024 bits are never valid",
    ("dkim expired", "rspamd"): "RFC 6376 section 3.5: rspamd does not report the signature",
    ("dkim key gone", "OpenDKIM"): f"RFC 6376 {NOT_PERMERROR}",
    ("dkim key empty", "OpenDKIM"): f"RFC 6376 {NOT_PERMERROR}",
    ("dkim key for another service", "OpenDKIM"): f"RFC 6376 {NOT_PERMERROR}",
    ("dkim key for another service", "rspamd"): "RFC 6376 section 3.6.1: rspamd ignores s=",
    ("dkim key for another hash", "OpenDKIM"): f"RFC 6376 {NOT_PERMERROR}",
    ("dkim key for another hash", "rspamd"): "RFC 6376 section 3.6.1: rspamd ignores h=",
    ("dkim key of another type", "OpenDKIM"): "RFC 6376 section 6.1.2: OpenDKIM ignores k=",
    ("dkim a subdomain's identity is not allowed", "OpenDKIM"): f"RFC 6376 {NOT_PERMERROR}",
    ("dkim a subdomain's identity is not allowed", "rspamd"): "RFC 6376 section 3.6.1: t=s",
    ("dkim without From", "rspamd"): "RFC 6376 section 5.4: rspamd does not report the signature",
    ("dkim without From", "Mail::DKIM"): "RFC 6376 section 5.4: From must be signed",
    ("dmarc two records", "rspamd"): "RFC 9989 section 4.10: both are discarded, so there is none",
    ("dmarc two records", "OpenDMARC"): "RFC 9989 section 4.10: both are discarded",
    ("dmarc strict", "OpenDMARC"): "RFC 9989 section 4.4: with aspf=s, both domains are the same",
}
"""The differences, with the section that decides them."""

NOBODY = {"dmarc two records"}
"""Where no referee comes to our verdict."""


def text(record: str) -> str:
    """A TXT record in a zone file."""
    return " ".join(f'"{record[n : n + 200]}"' for n in range(0, len(record), 200))


def zone_of(cases: Mapping[str, Case]) -> Zone:
    zone: dict[str, dict[str, list[str]]] = {}
    for case in cases.values():
        for name, types in case.zone.items():
            zone[name] = {}
            for kind, found in types.items():
                if isinstance(found, DnsResult):
                    zone[name]["RCODE"] = ["SERVFAIL"]
                else:
                    zone[name][kind] = [text(one) if kind == "TXT" else one for one in found]
    return zone


async def ours(cases: Mapping[str, Case], dns: str) -> dict[str, str]:
    """Our result by case, for the method that it is about."""
    clock = Clock()
    authenticator = Authenticator(DnsQueries(Resolver([dns], 20.0), clock), clock)
    found = {}
    for name, case in cases.items():
        facts = await authenticator.authenticate(case.raw, case.client)
        found[name] = {fact.method: fact.result for fact in facts}[case.method]
    return found


async def theirs(
    cases: Mapping[str, Case], directory: Path, dns: str
) -> dict[str, Mapping[str, set[str]]]:
    """Each referee's results by case, for the method that it is about."""
    perl = await by_perl(cases, dns)
    opendkim, headers = await by_opendkim(cases, directory, dns)
    spf = {name: next(iter(results["spf"])) for name, results in perl.items()}
    everything: dict[str, Said] = {
        "rspamd": await by_rspamd(cases, directory, dns),
        "OpenDKIM": opendkim,
        "OpenDMARC": await by_opendmarc(cases, directory, spf, headers),
        "Mail::SPF": {name: {"spf": results["spf"]} for name, results in perl.items()},
        "Mail::DKIM": {
            name: {"dkim": results["dkim"], "arc": results["arc"]} for name, results in perl.items()
        },
    }
    return {
        referee: {
            name: results[case.method]
            for name, case in cases.items()
            if case.method in (results := said[name])
        }
        for referee, said in everything.items()
    }


def documented() -> dict[tuple[str, str], int]:
    """In how many messages a referee is said to come to our verdict, by its name and the method."""
    page = (ROOT / "docs/authentication.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| \d+ \| (.*) \|$", page, re.MULTILINE)
    return {
        (referee, method): int(count)
        for method, claims in rows
        for referee, count in re.findall(r"([A-Z:a-z]+) (\d+)", claims)
    }


@pytest.mark.slow
async def test_referees_come_to_the_same_verdicts(servers: None, tmp_path: Path) -> None:
    cases = made()
    async with name_server(zone_of(cases)) as dns:
        found = await ours(cases, dns)
        referees = await theirs(cases, tmp_path, dns)
    differences = {
        (name, referee): f"{found[name]}, and not {result}"
        for referee, said in referees.items()
        for name, result in said.items()
        if found[name] not in result
    }
    same = defaultdict[str, set[str]](set)
    for referee, said in referees.items():
        for name in said:
            if (name, referee) not in differences:
                same[name].add(referee)
    counts = {
        (referee, method): sum(
            cases[name].method == method and referee in names for name, names in same.items()
        )
        for referee, method in documented()
    }
    assert all(counts[place] >= claimed for place, claimed in documented().items()), counts
    assert not {place: what for place, what in differences.items() if place not in EXPLAINED}
    assert {name for name in cases if not same[name]} <= NOBODY


def test_the_documentation_says_how_many_they_are() -> None:
    cases = made()
    assert len(cases) >= 48
    text = " ".join((ROOT / "docs/authentication.md").read_text(encoding="utf-8").split())
    assert f"on {len(cases)} messages" in text
    assert f"In {len(cases) - len(NOBODY)} of them" in text
    for method, count in Counter(case.method for case in cases.values()).items():
        assert f"| `{method}` | {count} |" in text
    assert {method for _, method in documented()} == {case.method for case in cases.values()}


@pytest.mark.parametrize(
    ("address", "result"),
    [("mon_ip", "pass"), ("misnamed_ip", "fail"), ("dead_ip", "permerror")],
    ids=["both ways", "one way", "no name"],
)
async def test_postfix_finds_the_same_names(
    lab: Lab, lab_user: LabUser, address: str, result: str
) -> None:
    """It calls a client `unknown` whose name does not lead back to its address."""
    client = Client(getattr(lab, address), "client.test", "probe@mon.test")
    raw = message("mon.test")
    clock = Clock()
    authenticator = Authenticator(DnsQueries(Resolver([lab.dns]), clock), clock)
    facts = await authenticator.authenticate(raw, client)
    assert {fact.method: fact.result for fact in facts}["iprev"] == result
    with smtplib.SMTP(
        lab.mx_ip, 25, client.helo, timeout=10, source_address=(client.address, 0)
    ) as smtp:
        smtp.sendmail(client.sender, lab_user.address, raw)
    (stored,) = lab_user.wait_for_mails()
    found = re.search(rb"from client\.test \((\S+) \[", stored.content)
    assert found
    assert (found[1] != b"unknown") == (result == "pass")
