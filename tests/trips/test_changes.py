"""What changed, on the servers of the lab: causes are planted there, and a failed trip names
them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from exporter.app import App
from exporter.core.comparison.words import changes_of, letter
from exporter.core.facts import Changes
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import new_key
from exporter.net.signatures.signing_key import SigningKey, read_signing_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.support.name_server import name_server

CONFIGURATION = """
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  theirs: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon}:2525", recipients: [monitor@mon.test]}}}}
modules:
  direct:
    timeout: 15s
    session_timeout: 5s
    targets: ["*@lab.test"]
    roundtrip: &trip
      from: probe@mon.test
      send: {{{send}}}
      mailbox: theirs
      trusted_authserv_id: mx1.lab.test
      dkim: {{domain: mon.test, selector: {selector}, key: {{file: {key}}}}}
      require: {require}
  forwarded:
    timeout: {patience}
    session_timeout: 5s
    targets: ["*@lab.test"]
    roundtrip: {{<<: *trip, mailbox: own}}
  lists: {{timeout: 5s, dnsbl: {{lists: [bl.lab.test]}}}}
probes:
  - {{name: listed, module: lists, target: {mon}}}
"""

Records = dict[str, dict[str, Sequence[str]]]


@dataclass
class ChangesRig:
    """A mailtrip whose DNS a test changes; all names lead to the servers of the lab."""

    lab: Lab
    user: LabUser
    app: App
    zone: Records
    values: dict[str, str]
    module: str = "direct"

    def configure(self, **values: str) -> None:
        self.values |= values
        self.app.configure(_settings(self.values))

    async def trip(self) -> Outcome:
        target = self.user.address if self.module == "direct" else "forward@lab.test"
        probe = self.app.probes.get_or_create(ProbeKey(self.module, target))
        trip = (await self.app.prober.start(probe)).trip
        while self.app.comparisons._running:
            await asyncio.wait(self.app.comparisons._running)
        kept = await self.app.store.outcome(trip)
        assert kept
        return kept

    async def good(self, trips: int = 5) -> None:
        for _ in range(trips):
            outcome = await self.trip()
            assert outcome.failure is None
            assert changes_of(outcome) is None

    async def changes(self, *, fails: bool = True) -> Changes:
        outcome = await self.trip()
        assert bool(outcome.failure) == fails, outcome.failure
        found = changes_of(outcome)
        assert found
        assert not fails or letter(outcome)
        return found


def named(found: Changes) -> set[str]:
    return {f"{one.what} {one.about}".strip() for one in found.changes}


def _settings(values: dict[str, str]) -> Settings:
    return Settings.parse(CONFIGURATION.format(**values).encode(), "mailtrip.yml")


@pytest.fixture
def zone(lab: Lab) -> Records:
    key = read_signing_key((lab.directory / "keys/dkim.key").read_text())
    return {
        "lab.test": {"MX": ["10 mx1.lab.test."]},
        "mx1.lab.test": {"A": [lab.mx_ip]},
        "imap.lab.test": {"A": [lab.imap_ip]},
        "mon.test": {"TXT": [f'"v=spf1 ip4:{lab.mon_ip} ip4:{lab.mx_ip} -all"']},
        "_dmarc.mon.test": {"TXT": ['"v=DMARC1; p=none"']},
        "k1._domainkey.mon.test": {"TXT": [_record(key)]},
    }


def _record(key: SigningKey) -> str:
    text = f"v=DKIM1; k=rsa; p={key.published}"
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))


@asynccontextmanager
async def rig(lab: Lab, user: LabUser, zone: Records, **values: str) -> AsyncIterator[ChangesRig]:
    async with name_server(zone) as dns:
        known = {
            "dns": dns,
            "ca": lab.ca,
            "mon": lab.mon_ip,
            "send": f"mx: {{source_address: {lab.mon_ip}}}",
            "user": user.name,
            "password": lab.password,
            "selector": "k1",
            "key": str(lab.directory / "keys/dkim.key"),
            "require": "[]",
            "patience": "15s",
        } | values
        async with App(_settings(known), Store.open(None), new_key()) as app:
            yield ChangesRig(lab, user, app, zone, known)


async def test_causes_in_the_dns_are_named(lab: Lab, lab_user: LabUser, zone: Records) -> None:
    good = {name: dict(records) for name, records in zone.items()}
    async with rig(lab, lab_user, zone, require="[dkim, dmarc]") as here:
        await here.good()
        zone |= {"lab.test": {"MX": ["10 mx1.lab.test.", "5 dead.lab.test."]}}
        zone |= {"dead.lab.test": {"A": [lab.dead_ip]}}
        found = await here.changes(fails=False)  # the second takes it
        assert named(found) == {"exchangers lab.test"}
        assert found.changes[0].new == ("dead.lab.test (MX 5)",)
        zone |= good
        assert changes_of(await here.trip()) is None

        zone |= {"mx1.lab.test": {"A": [lab.dead_ip]}, "mon.test": {"TXT": ['"no SPF"']}}
        found = await here.changes()
        assert named(found) == {"addresses mx1.lab.test", "spf_record mon.test"}
        assert "the DMARC record at _dmarc.mon.test" in found.unchanged
        zone |= good
        await here.trip()

        zone |= {"k1._domainkey.mon.test": {}}
        assert "dkim_key k1._domainkey.mon.test" in named(await here.changes())
        zone |= good
        await here.trip()

        zone |= {"_dmarc.mon.test": {}}
        assert "dmarc_record _dmarc.mon.test" in named(await here.changes())
        zone |= good
        await here.trip()

        zone |= {"_dmarc.mon.test": {"TXT": ['"v=DMARC1; p=reject"']}}
        found = await here.changes(fails=False)
        assert named(found) == {"dmarc_record _dmarc.mon.test"}
        del zone["lab.test"]
        assert "exchangers lab.test" in named(await here.changes())


async def test_a_selector_that_was_rotated_is_named(
    lab: Lab, lab_user: LabUser, zone: Records
) -> None:
    async with rig(lab, lab_user, zone, require="[dkim]") as here:
        await here.good()
        here.configure(selector="k2")
        found = await here.changes()
    assert "dkim_selector mon.test" in named(found)
    assert found.changes[0].what != "dkim_key"


async def test_a_selector_of_ours_is_named_although_the_message_was_not_taken(
    lab: Lab, lab_user: LabUser, zone: Records
) -> None:
    async with rig(lab, lab_user, zone) as here:
        await here.good()
        here.configure(selector="k2")
        zone |= {"mx1.lab.test": {"A": [lab.dead_ip]}}
        found = await here.changes()
    assert named(found) == {"addresses mx1.lab.test", "dkim_selector mon.test"}
    (selector,) = (one for one in found.changes if one.what == "dkim_selector")
    assert (selector.before, selector.after) == (("k1",), ("k2",))


async def test_another_certificate_is_named(lab: Lab, lab_user: LabUser, zone: Records) -> None:
    async with rig(lab, lab_user, zone) as here:
        await here.good()
        await asyncio.to_thread(lab.expire_certificates)
        found = await here.changes(fails=False)  # opportunistic TLS does not verify it
    assert named(found) == {"certificate mx1.lab.test (send)"}


async def test_a_leaving_address_and_its_listing_are_named(
    lab: Lab, lab_user: LabUser, zone: Records
) -> None:
    zone |= {"2.0.0.127.bl.lab.test": {"A": ["127.0.0.2"]}}
    async with rig(lab, lab_user, zone) as here:
        await here.good()
        here.configure(send=f"mx: {{source_address: {lab.misnamed_ip}}}")
        reverse = ".".join(reversed(lab.misnamed_ip.split(".")))
        zone |= {f"{reverse}.bl.lab.test": {"A": ["127.0.0.2"]}}
        found = await here.changes(fails=False)
    assert "left_from" in named(found)
    assert found.listed == ("bl.lab.test",)


async def test_another_way_is_named(lab: Lab, lab_user: LabUser, zone: Records) -> None:
    zone |= {"relay.lab.test": {"A": [lab.relay_ip]}}
    async with rig(lab, lab_user, zone) as here:
        await here.good()
        here.configure(send="smtp: {host: relay.lab.test, tls: none}")
        found = await here.changes(fails=False)
    assert named(found) >= {"left_from", "ehlo_name", "hops"}
    hops = next(one for one in found.changes if one.what == "hops")
    assert hops.new == ("relay.lab.test",)
