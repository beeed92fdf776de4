"""Which policy a domain has: announced, downloaded, kept, renewed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.core.saved_policy import SavedPolicy
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import DAY, MOST, PAUSE, FoundPolicy, StsPolicies
from exporter.net.mta_sts.policy import StsPolicy
from tests.support.chains import CertifiedKey, issue
from tests.support.name_server import name_server, names, searching
from tests.support.sts_site import (
    CA,
    DOMAIN,
    ENFORCE,
    NONE,
    TESTING,
    StsSite,
    authority_file,
    sts_site,
)

POLICY = StsPolicy("enforce", ("mx.example.test",), 86400)


@dataclass
class Disk:
    """What is kept."""

    saved: list[SavedPolicy] = field(default_factory=list)

    def keep_sts_policy(self, saved: SavedPolicy) -> None:
        self.saved.append(saved)

    def sts_policies(self) -> list[SavedPolicy]:
        return self.saved


@dataclass
class PoliciesRig:
    """A site, and who asks it, with a clock that can be moved."""

    site: StsSite
    policies: StsPolicies
    ca_file: str
    disk: Disk
    moved: list[float]

    async def find(self) -> FoundPolicy:
        return await self.policies.find(DOMAIN, self.ca_file)

    def restore(self, *saved: SavedPolicy) -> None:
        self.disk.saved = list(saved)
        self.policies.restore()

    def wait(self, seconds: float) -> None:
        self.moved[0] += seconds


@asynccontextmanager
async def rig(directory: Path, *chain: CertifiedKey) -> AsyncIterator[PoliciesRig]:
    moved, disk = [0.0], Disk()
    clock = Clock(monotonic=lambda: 1000 + moved[0], wall=lambda: 2e9 + moved[0])
    async with sts_site(*chain) as site, names(site.zone) as resolver:
        policies = StsPolicies(resolver, clock, disk, site.port)
        yield PoliciesRig(site, policies, authority_file(directory), disk, moved)


async def test_a_policy_is_downloaded_once_and_saved(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        for _ in range(3):
            assert await here.find() == FoundPolicy(POLICY)
        assert here.site.requests == 1
        assert here.disk.saved == [SavedPolicy(DOMAIN, "1", ENFORCE, 2e9)]


async def test_many_who_ask_at_once_make_one_request(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        found = await asyncio.gather(*(here.find() for _ in range(20)))
        assert set(found) == {FoundPolicy(POLICY)}
        assert here.site.requests == 1


async def test_another_version_is_downloaded_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.find()
        here.site.text = TESTING
        assert await here.find() == FoundPolicy(POLICY)
        here.site.announce("v=STSv1; id=2;")
        found = await here.find()
        assert found.policy
        assert found.policy.mode == "testing"
        assert here.site.requests == 2


async def test_a_policy_is_renewed_before_it_ends(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.find()
        here.wait(86400 / 2 - 1)
        await here.find()
        assert here.site.requests == 1
        here.wait(2)
        await here.find()
        assert here.site.requests == 2
        here.site.text = ENFORCE.replace("86400", "31557600")
        here.site.announce("v=STSv1; id=2;")
        await here.find()
        here.wait(DAY - 1)
        await here.find()
        assert here.site.requests == 3
        here.wait(2)
        await here.find()
        assert here.site.requests == 4


def redirect(site: StsSite) -> None:
    site.status = 302
    site.headers["Location"] = "/elsewhere"


Trouble = Callable[[StsSite], object]
TROUBLES: dict[str, tuple[Trouble, str]] = {
    "another status": (lambda site: setattr(site, "status", 404), "answered 404"),
    "a redirect": (redirect, "answered 302"),
    "another type": (lambda site: setattr(site, "kind", "text/html"), "sent text/html"),
    "too much": (lambda site: setattr(site, "text", "x" * 65537), "more than 64 KiB"),
    "nonsense": (lambda site: setattr(site, "text", "nonsense"), "malformed: a line without"),
    "no host": (lambda site: site.zone.pop(f"mta-sts.{DOMAIN}"), "does not exist"),
    "no server": (
        lambda site: site.zone.update({f"mta-sts.{DOMAIN}": {"A": ["127.0.0.77"]}}),
        "cannot connect to mta-sts.example.test",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_without_a_download_there_is_no_policy_and_that_is_told(
    tmp_path: Path, name: str
) -> None:
    trouble, says = TROUBLES[name]
    async with rig(tmp_path) as here:
        trouble(here.site)
        found = await here.find()
        assert found.policy is None
        assert says in found.problem
        assert not here.disk.saved


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_policy_that_is_known_holds_meanwhile_until_it_ends(
    tmp_path: Path, name: str
) -> None:
    trouble, says = TROUBLES[name]
    async with rig(tmp_path) as here:
        await here.find()
        trouble(here.site)
        here.site.announce("v=STSv1; id=2;")
        found = await here.find()
        assert found.policy == POLICY
        assert says in found.problem
        here.wait(86401)
        found = await here.find()
        assert found.policy is None
        assert says in found.problem


async def test_the_hosts_file_does_not_hide_the_host(tmp_path: Path) -> None:
    """Debian has the name of a server that runs here as 127.0.1.1."""
    (tmp_path / "hosts").write_text(f"127.0.1.1 mta-sts.{DOMAIN}\n")
    async with sts_site() as site, name_server(site.zone) as address:
        resolver = Resolver([address], hosts_file=tmp_path / "hosts")
        policies = StsPolicies(resolver, Clock(), port=site.port)
        assert await policies.find(DOMAIN, authority_file(tmp_path)) == FoundPolicy(POLICY)


async def test_the_name_of_the_host_is_not_completed(tmp_path: Path) -> None:
    """Of our own network, a wildcard would have every name."""
    async with sts_site() as site, name_server(site.zone) as address:
        site.zone[f"mta-sts.{DOMAIN}.corp.test"] = site.zone.pop(f"mta-sts.{DOMAIN}")
        policies = StsPolicies(searching(address, tmp_path, "corp.test"), Clock(), port=site.port)
        found = await policies.find(DOMAIN, authority_file(tmp_path))
    assert found.policy is None
    assert "mta-sts.example.test does not exist" in found.problem
    assert not site.requests


async def test_a_proxy_may_be_named_in_the_hosts_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    asked = list[bytes]()
    (tmp_path / "hosts").write_text("127.0.0.1 proxy\n")
    proxy = await asyncio.start_server(busy, "127.0.0.1", 0)
    async with proxy, sts_site() as site, name_server(site.zone) as address:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://proxy:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        resolver = Resolver([address], hosts_file=tmp_path / "hosts")
        found = await StsPolicies(resolver, Clock(), port=site.port).find(DOMAIN, None)
    assert asked == [f"CONNECT mta-sts.{DOMAIN}:{site.port} HTTP/1.1\r\n".encode()]
    assert found.problem == "the proxy for mta-sts.example.test answered 503"


BAD = {
    "unknown": issue("x", issue("another CA", is_ca=True), hosts=[f"mta-sts.{DOMAIN}"]),
    "expired": issue("x", CA, hosts=[f"mta-sts.{DOMAIN}"], days=(-9, -1)),
    "of another": issue("x", CA, hosts=["mail.example.test"]),
}


@pytest.mark.parametrize("name", BAD)
async def test_before_the_certificate_is_proven_no_request_is_sent(
    tmp_path: Path, name: str
) -> None:
    async with rig(tmp_path, BAD[name]) as here:
        found = await here.find()
        assert found.policy is None
        assert "the certificate of mta-sts.example.test" in found.problem
        assert not here.site.requests


async def test_after_a_failure_there_is_a_pause(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        here.site.status = 503
        problem = (await here.find()).problem
        here.site.status = 200
        assert await here.find() == FoundPolicy(None, problem)
        assert here.site.requests == 1
        here.wait(PAUSE + 1)
        assert await here.find() == FoundPolicy(POLICY)
        here.site.status = 503
        here.site.announce("v=STSv1; id=2;")
        await here.find()
        here.site.status, here.site.text = 200, NONE
        here.site.announce("v=STSv1; id=3;")  # news end it
        found = await here.find()
        assert found.policy
        assert found.policy.mode == "none"


@pytest.mark.parametrize("records", [(), ("v=spf1 -all",), ("v=STSv1; id=1;", "v=STSv1; id=2;")])
async def test_a_policy_that_is_no_longer_announced_holds_until_it_ends(
    tmp_path: Path, records: tuple[str, ...]
) -> None:
    """RFC 8461 section 5.1."""
    async with rig(tmp_path) as here:
        here.site.announce(*records)
        assert await here.find() == FoundPolicy(None)
        here.site.announce("v=STSv1; id=1;")
        await here.find()
        here.site.announce(*records)
        assert await here.find() == FoundPolicy(POLICY)
        here.wait(86401)
        assert await here.find() == FoundPolicy(None)
        assert here.site.requests == 1


async def test_without_an_answer_of_dns_a_policy_holds_too(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        await here.find()
        here.site.zone[f"_mta-sts.{DOMAIN}"] = {"RCODE": ["SERVFAIL"]}
        found = await here.find()
        assert found.policy == POLICY
        assert "no server could answer for _mta-sts.example.test TXT" in found.problem


async def test_policies_come_back_after_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        odd = SavedPolicy("odd.test", "1", "nonsense", 2e9)
        here.restore(odd, SavedPolicy(DOMAIN, "1", ENFORCE, 2e9 - 100))
        assert await here.find() == FoundPolicy(POLICY)
        assert here.site.requests == 0


async def test_a_policy_of_the_future_does_not_hold(tmp_path: Path) -> None:
    """The clock was wrong then, or is now."""
    async with rig(tmp_path) as here:
        here.restore(SavedPolicy(DOMAIN, "1", TESTING, 2e9 + 100))
        assert await here.find() == FoundPolicy(POLICY)
        assert here.site.requests == 1


async def test_no_more_are_known_than_the_bound(tmp_path: Path) -> None:
    async with rig(tmp_path) as here:
        some = [SavedPolicy(f"d{n}.test", "1", ENFORCE, 2e9) for n in range(MOST)]
        here.restore(SavedPolicy(DOMAIN, "1", ENFORCE, 2e9), *some)
        await here.find()
        assert here.site.requests == 1
