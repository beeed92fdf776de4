"""The configuration that is written is the one that was tried, whatever is in its names."""

import pytest

from exporter.commands.route import FROM_ENVIRONMENT, MAILBOX, NO_STATE, SEND, Route
from exporter.commands.setup.configuration import PROBE, text_of
from exporter.config.server_url import with_user
from exporter.settings import Settings

FILES = {SEND: {"file": "/etc/mailtrip/secrets/smtp"}, MAILBOX: {"file": "/my {new}, #1/s: x/imap"}}
ROUTES = [
    Route("smtp://relay.example.org", "maildir:///home/me/Mail dir", "a@example.org", ""),
    Route("mx:", "imaps://me@h.example.org", "a@example.org", "b@example.org"),
    Route("smtps://u@h.example.org:4465?ip=4", "pop3://me@h.example.org", "a@example.org", ""),
    Route("sendmail:", "jmap://h.example.org", "a@example.org", ""),
    Route("lmtp:///run/a%20b", "imaps://me@[2001:db8::1]", "a@example.org", ""),
]
USERS = [
    "yes",
    "0123",
    "1e3",
    "null",
    "me: #1",
    "'a'",
    '"',
    "a{b}",
    "[x]",
    "DOMAIN\\me",
    "ü@x",
    "~",
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.send)
def test_it_is_what_was_tried(route: Route) -> None:
    tried = route.reading(NO_STATE).options
    written = Settings.parse(text_of(route, FROM_ENVIRONMENT).encode(), "mailtrip.yml")
    assert [*written.mailboxes.values()] == [*tried.mailboxes.values()]
    (module,), (other,) = written.modules.values(), tried.modules.values()
    assert module.roundtrip
    assert other.roundtrip
    assert module.roundtrip.send == other.roundtrip.send
    assert module.roundtrip.sender == other.roundtrip.sender
    (probe,) = written.probes
    assert (probe.name, probe.target) == (PROBE, route.recipient)


@pytest.mark.parametrize("user", USERS)
def test_a_name_is_quoted_where_it_has_to_be(user: str) -> None:
    send, mailbox = (with_user(url, user) for url in ("smtp://h.example.org", "imaps://h.example"))
    text = text_of(Route(send, mailbox, "a@example.org", "a@example.org"), FILES)
    settings = Settings.parse(text.encode(), "mailtrip.yml")
    (home,) = settings.mailboxes.values()
    (module,) = settings.modules.values()
    assert module.roundtrip
    for how, part in ((home.chosen[1], MAILBOX), (module.roundtrip.send.chosen[1], SEND)):
        assert how.username == user
        assert how.password.origin == FILES[part]["file"]


def test_it_has_only_what_is_needed() -> None:
    text = text_of(ROUTES[0], FILES)
    assert "password" not in text
    assert len(text.splitlines()) < 25
    assert all(len(line) <= 100 for line in text.splitlines())
