"""Mistakes in `oauth2:` are told before anything is sent."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.senders.smtp import SmtpOptions
from exporter.settings import Settings

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD = {"provider": "microsoft", "tenant": "example.org", "client_id": "1", "client_secret": "2"}
USUAL = {"host": "mail.example.org", "username": "probe"}


@pytest.mark.parametrize("kind", [ImapOptions, Pop3Options, SmtpOptions])
def test_each_protocol_takes_a_token_in_place_of_a_password(kind: Any) -> None:
    options = kind.model_validate({**USUAL, "oauth2": GOOD, "auth": "xoauth2"})
    assert (
        options.oauth2.endpoint == "https://login.microsoftonline.com/example.org/oauth2/v2.0/token"
    )
    assert options.tls_mode != "none"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"oauth2": GOOD, "password": "x"}, "only one of these can be given: password, oauth2"),
        ({"oauth2": GOOD, "tls": "none"}, "oauth2 needs TLS"),
        ({"oauth2": GOOD, "auth": "plain"}, "auth: plain does not work with oauth2"),
        ({"password": "x", "auth": "xoauth2"}, "auth: xoauth2 does not work with a password"),
        ({"oauth2": GOOD | {"tenant": None}}, "tenant is missing"),
        ({"oauth2": GOOD | {"tenant": "../x"}}, "not a tenant"),
        ({"oauth2": GOOD | {"client_id": None}}, "client_id or service_account is missing"),
        ({"oauth2": GOOD | {"client_secret": None}}, "one of these is missing"),
        (
            {"oauth2": GOOD | {"federated_token_file": "/x"}},
            "only one of these can be given: client_secret, fed",
        ),
        ({"oauth2": GOOD | {"service_account": "{}"}}, "service_account excludes"),
        (
            {"oauth2": GOOD | {"provider": None, "tenant": None}},
            "token_url or provider is missing",
        ),
        (
            {"oauth2": GOOD | {"provider": "google", "tenant": None}},
            "Google issues tokens for mail only with",
        ),
        (
            {"oauth2": GOOD | {"token_url": "http://idp.example.org/token"}},
            "write https://HOST/PATH",
        ),
        (
            {"oauth2": GOOD | {"token_url": "https://idp.example.org:65536/token"}},
            "the host or the port in the URL is not valid",
        ),
    ],
)
@pytest.mark.parametrize("kind", [ImapOptions, Pop3Options, SmtpOptions])
def test_what_does_not_fit_together_is_told(kind: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        kind.model_validate(USUAL | given)


def test_a_token_needs_a_name() -> None:
    with pytest.raises(ValidationError, match="oauth2 needs a username"):
        ImapOptions.model_validate({"host": "mail.example.org", "oauth2": GOOD})


@pytest.mark.parametrize("name", ["microsoft365.yml", "microsoft365-graph.yml", "gmail.yml"])
def test_the_examples_of_providers_are_good(name: str) -> None:
    settings = Settings.load(str(EXAMPLES / name))
    logins = [*settings.logins]
    assert len(logins) == 2  # of the sender, and of the mailbox
    assert len(set(logins)) in (1, 2)


def test_the_accounts_of_every_kind_of_server_are_known() -> None:
    """A scrape shows their tokens, and a reload keeps them."""
    oauth2 = "{token_url: 'https://id.example/', client_id: c, client_secret: s}"
    mailboxes = {
        "a": f"imap: {{host: h, username: a@x.test, oauth2: {oauth2}}}",
        "b": f"pop3: {{host: h, username: b@x.test, oauth2: {oauth2}}}",
        "c": f"graph: {{user: c@x.test, oauth2: {oauth2}}}",
        "d": f"jmap: {{url: 'https://h', username: d@x.test, oauth2: {oauth2}}}",
    }
    senders = {
        "e": f"smtp: {{host: h, username: e@x.test, oauth2: {oauth2}}}",
        "f": f"lmtp: {{host: h, username: f@x.test, oauth2: {oauth2}}}",
        "g": f"graph: {{user: g@x.test, oauth2: {oauth2}}}",
        "h": f"jmap: {{url: 'https://h', username: h@x.test, oauth2: {oauth2}}}",
    }
    lines = ["mailboxes:", *(f"  {name}: {{{options}}}" for name, options in mailboxes.items())]
    lines += ["modules:"]
    for name, options in senders.items():
        lines.append(
            f"  {name}: {{targets: [x@x.test], roundtrip: {{from: p@x.test, mailbox: a,"
            f" send: {{{options}}}}}}}"
        )
    users = [user for _, user in Settings.parse("\n".join(lines).encode(), "x.yml").logins]
    assert users == [f"{name}@x.test" for name in "abcdefgh"]
