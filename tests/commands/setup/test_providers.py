"""Well-known providers: their servers are URLs, and a person learns what they require."""

import re

import pytest

from exporter.commands.setup.providers import PROVIDERS, Provider, provider_of
from exporter.config.server_url import completed, with_user, written
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions
from tests.support.tree import ROOT


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.domains[0])
def test_its_servers_are_urls_and_its_pages_exist(provider: Provider) -> None:
    secret = {"env": "SECRET"}
    for choice, url in ((MailboxOptions, provider.mailbox), (SendOptions, provider.send)):
        options = written(choice, with_user(url, "me@example.org"), secret)
        (how,) = (choice.model_validate(options).chosen[1],)
        assert how.tls_mode in ("implicit", "starttls")
        assert completed(choice, url, "x://") == url
    for page in re.findall(r"(?:docs|examples)/[\w.]+\w", provider.hint):
        assert (ROOT / page).exists()


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("me@gmail.com", "imaps://imap.gmail.com"),
        ("GMAIL.COM.", "imaps://imap.gmail.com"),
        ("smtp.gmail.com", "imaps://imap.gmail.com"),
        ("outlook.office365.com", "imaps://outlook.office365.com"),
    ],
)
def test_it_is_known_by_addresses_and_servers(name: str, server: str) -> None:
    provider = provider_of(name)
    assert provider
    assert provider.mailbox == server


@pytest.mark.parametrize("name", ["me@example.org", "notgmail.com", "192.0.2.1", "", "@", "gmail"])
def test_others_are_not(name: str) -> None:
    assert provider_of(name) is None
