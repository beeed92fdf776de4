"""Policies for TLS against real servers. Unbound validates a signed zone, and policies are
downloaded by HTTPS. Two clients of Postfix send to the same exchangers as mailtrip: one with
`smtp_tls_security_level = dane`, and one that postfix-mta-sts-resolver tells what to do."""

import asyncio
import re
import smtplib
import socket
from collections.abc import Callable, Collection
from itertools import product
from pathlib import Path

import pytest

from exporter.core.model import Failure, TlsPolicy
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.oauth2 import Accounts
from exporter.senders import SendOptions
from exporter.senders.kind import Means, Sender
from tests.lab import facts, sts
from tests.lab.client import Lab
from tests.support.sending import RECIPIENT, new_run, probe_message, send

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds for Postfix's first attempts
HALF_A_DAY = 13 * 3600.0  # seconds, after which a policy is downloaded again

Place = tuple[Step | None, Reason]
Found = tuple[str, Place | None]
"""The mode of the policy, and how sending fails."""

NOTHING: Found = ("none", None)
ENFORCED: Found = ("enforce", None)
ENCRYPTED: Found = ("encrypt", None)
UNAVAILABLE: Found = ("unavailable", None)
REFUSED: Found = ("enforce", (Step.TLS, Reason.POLICY))
NOT_USED: Found = ("", (Step.TLS, Reason.POLICY))  # the exchanger is not in the policy
BOGUS: Found = ("", (Step.RESOLVE, Reason.DNS))

STATES: dict[str, tuple[Found, Found]] = {
    "good.dane.test": (ENFORCED, NOTHING),
    "anchor.dane.test": (ENFORCED, NOTHING),
    "anchorless.dane.test": (REFUSED, NOTHING),
    "renewed.dane.test": (REFUSED, NOTHING),
    "either.dane.test": (ENFORCED, NOTHING),
    "pkix.dane.test": (ENCRYPTED, NOTHING),
    "none.dane.test": (NOTHING, NOTHING),
    "bogus.dane.test": (BOGUS, NOTHING),
    "unsigned.dane.test": (NOTHING, NOTHING),
    "full.dane.test": (ENFORCED, NOTHING),
    "selector.dane.test": (ENCRYPTED, NOTHING),
    "weaker.dane.test": (REFUSED, NOTHING),
    "alias.dane.test": (ENFORCED, NOTHING),
    "covered.dane.test": (REFUSED, ENFORCED),
    "uncovered.dane.test": (ENFORCED, NOT_USED),
    "enforce.sts.test": (NOTHING, ENFORCED),
    "wildcard.sts.test": (NOTHING, ENFORCED),
    "second.sts.test": (NOTHING, ENFORCED),
    "remembered.sts.test": (NOTHING, REFUSED),
    "elsewhere.sts.test": (NOTHING, NOT_USED),
    "misnamed.sts.test": (NOTHING, REFUSED),
    "expired.sts.test": (NOTHING, REFUSED),
    "plain.sts.test": (NOTHING, REFUSED),
    "testing.sts.test": (NOTHING, ("testing", None)),
    "off.sts.test": (NOTHING, NOTHING),
    "unannounced.sts.test": (NOTHING, NOTHING),
    "twice.sts.test": (NOTHING, NOTHING),
    "hostdown.sts.test": (NOTHING, UNAVAILABLE),
    "hostmisnamed.sts.test": (NOTHING, UNAVAILABLE),
    "hostexpired.sts.test": (NOTHING, UNAVAILABLE),
    "missing.sts.test": (NOTHING, UNAVAILABLE),
    "moved.sts.test": (NOTHING, UNAVAILABLE),
    "html.sts.test": (NOTHING, UNAVAILABLE),
    "malformed.sts.test": (NOTHING, UNAVAILABLE),
    "deeper.sts.test": (NOTHING, NOT_USED),
    "foreign.sts.test": (NOTHING, NOT_USED),
    "borrowed.sts.test": (NOTHING, REFUSED),
}
"""By DANE, and by MTA-STS."""

EXPLAINED = {
    "deeper.sts.test": "RFC 8461 section 4.1: an asterisk is one label; for Postfix, it is any",
    "foreign.sts.test": "RFC 8461 section 4.1: the exchanger's own name must be in the policy;"
    " Postfix looks for the names of the policy in the certificate",
    "borrowed.sts.test": "RFC 8461 section 4.2: the certificate must be for the exchanger's name;"
    " for Postfix, any name of the policy will do",
}
"""Domains to which Postfix sends by MTA-STS, and mailtrip does not."""

RAW_KEYS = {
    "weaker.dane.test": "RFC 7671 section 9: of several digests only the strongest counts; OpenSSL"
    " compares a raw public key (RFC 7250), for which Postfix asks from 3.9 on, with all of them",
}
"""Domains to which a Postfix that asks for raw public keys sends by DANE, and mailtrip does not."""

LEAST_STATES = 26  # in which they come to the same verdict


def test_every_domain_of_the_lab_is_here() -> None:
    assert sorted(STATES) == sorted(facts.POLICY_DOMAINS)
    assert set(sts.DOMAINS) <= set(STATES)
    assert len(STATES) - len(EXPLAINED) >= LEAST_STATES


def test_the_documentation_says_how_many_they_are() -> None:
    text = " ".join((ROOT / "docs/tls.md").read_text(encoding="utf-8").split())
    assert f"both send to {len(STATES)} domains" in text
    assert f"by MTA-STS in {len(STATES) - len(EXPLAINED)}." in text
    assert all(section in text for section in ("section 4.1", "section 4.2"))


def sender_by(lab: Lab, tls: str, policies: StsPolicies | None = None) -> Sender:
    options = {"tls": tls, "source_address": lab.mon_ip, "ca_file": lab.ca}
    resolver = Resolver([lab.dns])
    policies = policies or StsPolicies(resolver, Clock())
    how = SendOptions.model_validate({"mx": options}).how
    return how.sender(RECIPIENT, Means(resolver, Accounts(), policies))


async def sent(sender: Sender, domain: str) -> tuple[Found, Failure | None]:
    run = new_run()
    failure = await send(sender, probe_message(f"probe@{domain}"), run)
    mode = "".join(fact.mode for fact in run.facts if isinstance(fact, TlsPolicy))
    place = (failure.step, failure.reason) if failure else None
    return (mode, place), failure


@pytest.mark.parametrize("domain", STATES)
async def test_mailtrip(lab: Lab, domain: str) -> None:
    dane, mta_sts = STATES[domain]
    assert (await sent(sender_by(lab, "dane"), domain))[0] == dane
    assert (await sent(sender_by(lab, "mta_sts"), domain))[0] == mta_sts
    # records take precedence (RFC 8461 section 2)
    assert (await sent(sender_by(lab, "policy"), domain))[0] == (
        mta_sts if dane == NOTHING else dane
    )


async def test_postfix_comes_to_the_same(lab: Lab) -> None:
    ways = {"dane": {domain: found for domain, (found, _) in STATES.items()}}
    ways |= {"sts": {domain: found for domain, (_, found) in STATES.items()}}
    said = await of_postfix(lab, ways, STATES)
    text = (lab.directory / "log/relay.log").read_text()
    explained = {
        "sts": set(EXPLAINED),
        "dane": set(RAW_KEYS) if "raw public key)" in text else set(),
    }
    for way, found in ways.items():
        same = {domain: failure is None for domain, (_, failure) in found.items()}
        differing = {domain for domain in STATES if said[way, domain] != same[domain]}
        assert differing == explained[way]
    for way, found in ways.items():
        verified = set(
            re.findall(rf"{way}/smtp\[\d+\]: Verified TLS connection .* to mx\.(\S+)\[", text)
        )
        assert verified >= {domain for domain, one in found.items() if one == ENFORCED} - {
            "alias.dane.test"  # whose exchanger has another name
        }


async def test_a_policy_in_memory_holds_while_its_host_is_down(lab: Lab) -> None:
    domain = "remembered.sts.test"
    await asyncio.to_thread(ask_daemon, domain)
    moved = 0.0
    clock = Clock(wall=lambda: 2e9 + moved)
    policies = StsPolicies(Resolver([lab.dns]), clock)
    sender = sender_by(lab, "mta_sts", policies)
    assert (await sent(sender, domain))[0] == REFUSED
    await asyncio.to_thread(lab.stop, "policies")
    moved = HALF_A_DAY
    found, failure = await sent(sender, domain)
    assert found == REFUSED
    assert failure
    assert "certificate has expired" in failure.detail
    known = await policies.find(domain, lab.ca)
    assert known.policy
    assert known.problem, "a newer one could not be downloaded"
    assert await of_postfix(lab, ["sts"], [domain]) == {("sts", domain): False}
    # Who has not known the policy cannot know now that TLS is required.
    assert (await sent(sender_by(lab, "mta_sts"), domain))[0] == UNAVAILABLE


def ask_daemon(domain: str) -> str:
    """What postfix-mta-sts-resolver tells Postfix, by the protocol of its socket maps."""
    request = f"postfix {domain}".encode()
    with socket.create_connection((facts.STS_IP, 8461), 10) as connection:
        connection.sendall(b"%d:%s," % (len(request), request))
        length, _, rest = connection.recv(1000).partition(b":")
    return rest[: int(length)].decode()


async def of_postfix(
    lab: Lab, ways: Collection[str], domains: Collection[str]
) -> dict[tuple[str, str], bool]:
    """Whether Postfix has sent, by its client and the recipient's domain."""
    log = lab.follow("relay")
    message = "Subject: a policy\r\n\r\nHello.\r\n"
    with smtplib.SMTP(lab.relay_ip, 25, timeout=10) as client:
        for domain in domains:
            for way in ways:
                client.sendmail("probe@lab.test", [f"{way}@{domain}"], message)
    try:
        return await asyncio.wait_for(verdicts(log, {*product(ways, domains)}), timeout=PATIENCE)
    finally:
        await asyncio.to_thread(lab.command, "purge")


async def verdicts(
    log: Callable[[], str], expected: set[tuple[str, str]]
) -> dict[tuple[str, str], bool]:
    """When these are there. Messages that other tests have left in the queue may be, too."""
    while True:
        found = re.findall(r"to=<(\w+)@(\S+)>,.* status=(\w+)", log())
        # Of a message that was tried again, the first attempt counts.
        seen = {(way, domain): status == "sent" for way, domain, status in found[::-1]}
        if seen.keys() >= expected:
            return {one: seen[one] for one in expected}
        await asyncio.sleep(0.1)
