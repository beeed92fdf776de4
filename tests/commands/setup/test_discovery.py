"""Servers that `mailtrip init` suggests, from what the DNS says."""

import pytest

from exporter.commands.setup.discovery import Discovery
from exporter.net.dns.resolver import Resolver
from tests.support.fast_forward import fast_forward
from tests.support.name_server import Zone, name_server, names

ZONE: Zone = {
    "workspace.test": {"MX": ["10 ASPMX.L.GOOGLE.COM.", "20 alt1.aspmx.l.google.com."]},
    "tenant.test": {"MX": ["0 tenant-test.mail.protection.outlook.com."]},
    "newer.test": {"MX": ["0 newer-test.a-v1.mx.microsoft."]},
    "filtered.test": {"MX": ["10 mx1.filter.test."]},
    "none.test": {"MX": ["0 ."]},
    "mail.filtered.test": {"A": ["192.0.2.1"]},
    "imap.both.test": {"A": ["192.0.2.1"]},
    "mail.both.test": {"A": ["192.0.2.1"]},
}


@pytest.mark.parametrize(
    ("domain", "server"),
    [
        ("workspace.test", "imaps://imap.gmail.com"),
        ("tenant.test", "imaps://outlook.office365.com"),
        ("newer.test", "imaps://outlook.office365.com"),
        ("gmail.com", "imaps://imap.gmail.com"),
        ("filtered.test", None),
        ("none.test", None),
        ("unknown.test", None),
        ("[192.0.2.1]", None),
    ],
)
async def test_exchangers_show_the_provider_of_a_domain(domain: str, server: str | None) -> None:
    async with names(ZONE) as resolver:
        found = await Discovery(resolver).provider(domain)
    assert (found and found.mailbox) == server


@pytest.mark.parametrize(
    ("domain", "host"),
    [("both.test", "imap.both.test"), ("filtered.test", "mail.filtered.test"), ("none.test", "")],
)
async def test_a_usual_name_is_suggested_if_it_exists(domain: str, host: str) -> None:
    async with names(ZONE) as resolver:
        assert await Discovery(resolver).host([f"imap.{domain}", f"mail.{domain}"]) == host


@fast_forward
async def test_a_name_server_that_does_not_answer_suggests_nothing() -> None:
    async with name_server({}, silent=True) as address:
        discovery = Discovery(Resolver([address], 0.1))
        assert await discovery.provider("example.test") is None
        assert await discovery.host(["imap.example.test"]) == ""
