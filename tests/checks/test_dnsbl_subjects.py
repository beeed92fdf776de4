"""What a blocklist check asks about: addresses, names, exchangers, and where a probe's mail left
from."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal

import dns.rcode
import pytest

from exporter.app import App
from exporter.checks.dnsbl_subjects import MOST_ADDRESSES, Subjects
from exporter.core.model import Exchanger, Failure, Listing, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.tokens import new_key
from exporter.net.dns.resolver import Resolver
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab
from tests.support.blocklist_app import (
    CLEAN,
    LISTED,
    TESTS,
    UNKNOWN,
    outcome_of,
    states,
    trip,
    usable,
)
from tests.support.broken_nameserver import names_server
from tests.support.imap_attacker import Ticker
from tests.support.name_server import Zone, name_server
from tests.support.timed_turns import ATTEMPTS, LONGEST


async def test_a_name_is_asked_about_as_a_domain_and_its_addresses_as_addresses(lab: Lab) -> None:
    options = "lists: [bl.lab.test], domain_lists: [dbl.lab.test]"
    outcome = await outcome_of(lab.dns, options, lab.mx_name)
    assert states(outcome) == {("dbl", lab.mx_name): CLEAN, ("bl", lab.mx_ip): LISTED}
    outcome = await outcome_of(lab.dns, options, "192.0.2.1")
    assert states(outcome) == {("bl", "192.0.2.1"): CLEAN}


async def test_a_domain_on_a_list_of_domains_is_a_failure_whether_it_has_addresses_or_not(
    lab: Lab,
) -> None:
    outcome = await outcome_of(lab.dns, "domain_lists: [dbl.lab.test]", "www.BAD.test.")
    assert (
        str(outcome.failure)
        == "verify: listed 127.0.1.2: www.bad.test is listed on dbl.lab.test (127.0.1.2)"
    )
    outcome = await outcome_of(
        lab.dns, "lists: [bl.lab.test], domain_lists: [dbl.lab.test]", "www.bad.test"
    )
    assert (
        str(outcome.failure)
        == "verify: listed 127.0.1.2: www.bad.test is listed on dbl.lab.test (127.0.1.2)"
    )


async def test_a_name_without_addresses_is_not_clean(lab: Lab) -> None:
    outcome = await outcome_of(
        lab.dns, "lists: [bl.lab.test], domain_lists: [dbl.lab.test]", "nowhere.lab.test"
    )
    assert str(outcome.failure).startswith(
        "verify/resolve: dns NXDOMAIN: nowhere.lab.test does not exist (NXDOMAIN)"
    )
    assert states(outcome) == {("dbl", "nowhere.lab.test"): CLEAN}


async def test_the_exchangers_of_a_mail_domain_are_all_asked_about(lab: Lab) -> None:
    options = "lists: [bl.lab.test], domain_lists: [dbl.lab.test], expand: mx"
    outcome = await outcome_of(lab.dns, options, "lab.test")
    assert states(outcome) == {
        ("dbl", "lab.test"): CLEAN,
        ("bl", lab.mx_ip): LISTED,
        ("bl", lab.dead_ip): CLEAN,
    }
    # Has an address, which is its own exchanger.
    outcome = await outcome_of(lab.dns, options, "nomx.test")
    assert states(outcome) == {("dbl", "nomx.test"): CLEAN, ("bl", lab.mx_ip): LISTED}
    outcome = await outcome_of(lab.dns, options, "nullmx.test")
    assert str(outcome.failure).startswith("verify/resolve: null_mx: nullmx.test accepts no mail")


async def test_an_exchanger_without_an_address_does_not_stop_the_check_of_the_others() -> None:
    zone: Zone = {
        **TESTS,
        "example.test": {
            "MX": ["10 gone.example.test.", "20 mx.example.test.", "30 also.example.test."]
        },
        "mx.example.test": {"A": ["192.0.2.9"]},
        "also.example.test": {"A": ["192.0.2.9"]},
    }
    listed: Zone = {"9.2.0.192.bl.example": {"A": ["127.0.0.3"]}}
    options = "lists: [bl.example], expand: mx"
    async with name_server(zone) as dns:
        outcome = await outcome_of(dns, options, "example.test")
    assert str(outcome.failure).startswith(
        "verify/resolve: dns NXDOMAIN: gone.example.test does not exist (NXDOMAIN)"
    )
    assert states(outcome) == {("bl.example", "192.0.2.9"): CLEAN}
    assert len([fact for fact in outcome.facts if isinstance(fact, Listing)]) == 1
    async with name_server({**zone, **listed}) as dns:
        outcome = await outcome_of(dns, options, "example.test")
    assert (
        str(outcome.failure)
        == "verify: listed 127.0.0.3: 192.0.2.9 is listed on bl.example (127.0.0.3)"
    )


async def test_of_very_many_addresses_some_are_asked_about_and_the_rest_is_a_clear_failure() -> (
    None
):
    many = [f"198.51.100.{n}" for n in range(1, 70)]
    async with name_server({**TESTS, "example.test": {"A": many}}) as dns:
        outcome = await outcome_of(dns, "lists: [bl.example]", "example.test")
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.step) == (Phase.VERIFY, None)
    assert outcome.failure.detail == "example.test has 69 addresses; only 64 of them are checked"
    assert len(states(outcome)) == 64


async def test_an_ipv6_address_is_asked_about_where_that_is_served() -> None:
    nibbles = ".".join(reversed("20010db8000000000000000000000001"))
    zone: Zone = {
        **TESTS,
        "bl.example": {},
        "old.example": {},
        f"{nibbles}.bl.example": {"A": ["127.0.0.2"]},
        "host.example.test": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    }
    lists = (
        "lists: [{zone: bl.example, ipv6: true, test_points: false}, {zone: old.example,"
        " test_points: false}]"
    )
    async with name_server(zone) as dns:
        outcome = await outcome_of(dns, lists, "host.example.test")
    assert outcome.failure is not None
    assert outcome.failure.detail == "2001:db8::1 is listed on bl.example (127.0.0.2)"
    assert states(outcome) == {
        ("bl.example", "2001:db8::1"): LISTED,
        ("bl.example", "192.0.2.1"): CLEAN,
        ("old.example", "192.0.2.1"): CLEAN,
    }


SENDING = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
modules:
  mail:
    timeout: 30s
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 25, tls: none}}}}
      mailbox: monitor
      trusted_authserv_id: mx1.lab.test
  reputation:
    timeout: 2s
    session_timeout: 1s
    dnsbl: {{lists: [bl.lab.test], domain_lists: [dbl.lab.test], addresses: {{from_probe: mail}}}}
probes:
  - {{name: mail, module: mail, target: {user}@lab.test}}
  - {{name: reputation, module: reputation, target: lab.test}}
"""


async def test_the_address_that_a_probe_s_mail_left_from_is_asked_about(
    lab: Lab, tmp_path: Path
) -> None:
    with lab.fresh_user() as user:
        text = SENDING.format(dns=lab.dns, ca=lab.ca, user=user.name, password=lab.password)
        settings = Settings.parse(text.encode(), "mailtrip.yml")
        async with App(settings, Store.open(tmp_path), new_key()) as made:
            early = await trip(made, "lab.test")
            assert (await trip(made, user.address, "mail")).success
            outcome = await trip(made, "lab.test")
        assert str(early.failure).startswith(
            "verify/resolve: unusable: no message of the probe mail has arrived yet, so its "
        )
        assert states(early) == {("dbl", "lab.test"): CLEAN}
        assert outcome.failure is None
        assert states(outcome) == {("dbl", "lab.test"): CLEAN, ("bl", lab.relay_ip): CLEAN}

        await asyncio.to_thread(lab.list, lab.relay_ip)
        async with App(settings, Store.open(tmp_path), new_key()) as made:
            made.recover()
            (mail,) = (probe for probe in made.probes if probe.name == "mail")
            assert mail.newest is not None
            mail.show(
                replace(mail.newest, facts=(), failure=Failure(Phase.SEND, None, Reason.REJECTED))
            )
            outcome = await trip(made, "lab.test")
        assert outcome.failure is not None
        assert outcome.failure.detail == f"{lab.relay_ip} is listed on bl.lab.test (127.0.0.2)"


async def test_a_first_message_that_is_still_on_its_way_is_waited_for(lab: Lab) -> None:
    with lab.fresh_user() as user:
        text = SENDING.format(dns=lab.dns, ca=lab.ca, user=user.name, password=lab.password)
        text = text.replace("timeout: 2s", "timeout: 1m").replace(
            "[bl.lab.test]", "[blclean.lab.test]"
        )
        settings = Settings.parse(text.encode(), "mailtrip.yml")
        async with App(settings, Store.open(None), new_key()) as made:
            early = made.prober.start(made.probes.get_or_create(ProbeKey("reputation", "lab.test")))
            assert (await trip(made, user.address, "mail")).success
            assert states(await early) == {
                ("dbl", "lab.test"): CLEAN,
                ("blclean", lab.relay_ip): CLEAN,
            }


class ManyAddresses(Resolver):
    """Of a domain whose owner wants to keep us busy."""

    async def exchangers(self, domain: str) -> list[Exchanger]:
        return [Exchanger(f"mx{number}.{domain}", number) for number in range(MOST_ADDRESSES)]

    async def addresses(
        self, host: str, ip: Literal["any", "4", "6"] = "any", **how: bool
    ) -> list[str]:
        return [f"2001:db8::{number:x}" for number in range(1000)]


@pytest.mark.slow
async def test_others_have_their_turn_while_very_many_addresses_are_read() -> None:
    subjects = Subjects(
        "many.test", ManyAddresses(), lambda _: "", resolved=True, expand=True, sender=""
    )
    turns = list[float]()
    for _ in range(ATTEMPTS):
        ticker = Ticker()
        found, problem = await subjects.find(Run(Clock()))
        await asyncio.sleep(0)
        ticker.stop()
        assert len(found) == 1 + MOST_ADDRESSES
        assert "has 1000 addresses; only 64 of them are checked" in str(problem)
        turns.append(ticker.longest)
    assert min(turns) < LONGEST  # at once, they take half a second


async def test_the_hosts_file_of_a_mail_server_does_not_hide_its_address(tmp_path: Path) -> None:
    """Debian has 127.0.1.1 there, which no list lists."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.1.1 mail.example.test mail\n")
    async with names_server(lambda name, kind: ["192.0.2.1"] if kind == "A" else []) as server:
        resolver = Resolver([server.address], hosts_file=hosts)
        subjects = Subjects(
            "mail.example.test", resolver, lambda _: "", resolved=True, expand=False, sender=""
        )
        found, problem = await subjects.find(Run(Clock()))
    assert problem is None
    assert [one.text for one in found] == ["mail.example.test", "192.0.2.1"]


def inside(name: str, kind: str) -> list[str] | dns.rcode.Rcode:
    """The answers in a network where the mail server has a private address, too."""
    addresses = {"mail.example.test": ["10.1.2.3"], "both.example.test": ["10.1.2.3", "8.8.8.8"]}
    if name in addresses:
        return addresses[name] if kind == "A" else []
    return ["127.0.0.2"] if name.startswith("2.0.0.127.") and kind == "A" else dns.rcode.NXDOMAIN


@pytest.mark.parametrize("target", ["10.1.2.3", "mail.example.test"])
async def test_a_public_list_does_not_call_a_private_address_clean(target: str) -> None:
    """It knows nothing about it. Inside a network, its own name servers often have only that."""
    async with names_server(inside) as server:
        outcome = await outcome_of(server.address, "lists: [bl.spamcop.net]", target)
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.UNUSABLE
    assert "not public" in outcome.failure.detail
    assert not [name for name, _ in server.asked if name.endswith("spamcop.net")]
    assert not usable(outcome), "nothing is known about the list"


async def test_beside_a_private_address_the_public_one_is_judged() -> None:
    async with names_server(inside) as server:
        outcome = await outcome_of(server.address, "lists: [bl.spamcop.net]", "both.example.test")
    assert outcome.failure is None
    assert states(outcome) == {
        ("bl.spamcop.net", "10.1.2.3"): UNKNOWN,
        ("bl.spamcop.net", "8.8.8.8"): CLEAN,
    }
    assert usable(outcome) == {"bl.spamcop.net": True}
