"""URLs and an address stand for the configuration that a file would be, and errors in them name
what was given."""

from dataclasses import replace

import pytest

from exporter.commands.route import (
    FROM_ENVIRONMENT,
    MAILBOX,
    NO_STATE,
    SEND,
    SESSION_TIMEOUT,
    Route,
)
from exporter.config.mistakes import Mistakes
from exporter.core.model import ProbeKey
from exporter.settings import Settings

ROUTE = Route("smtp://probe@relay.example.org", "imaps://me@imap.example.org", "a@example.org", "")
FILE = b"""\
state: {dir: /dev/null}
mailboxes:
  imap: {imap: {host: imap.example.org, port: 993, username: me, password: {env: MAILTRIP_MAILBOX_PASSWORD}}}
modules:
  smtp:
    roundtrip:
      from: a@example.org
      send: {smtp: {host: relay.example.org, username: probe, password: {env: MAILTRIP_SEND_PASSWORD}}}
      mailbox: imap
probes: [{name: smtp, module: smtp, target: a@example.org}]
"""  # noqa: E501


def test_it_is_the_same_as_a_file() -> None:
    settings = ROUTE.reading(NO_STATE).options
    assert settings == Settings.parse(FILE, "mailtrip.yml")
    assert [*settings.entries] == [ProbeKey("smtp", "a@example.org")]


@pytest.mark.parametrize(
    ("send", "mailbox", "sender"),
    [
        ("smtp://s@example.org@relay.example.org", "imaps://m@example.org@h", "s@example.org"),
        ("smtp://probe@relay.example.org", "imaps://m@example.org@h", "m@example.org"),
        ("smtp://probe@relay.example.org", "imaps://me@h", "a@example.org"),
        ("sendmail:", "maildir:///home/me/Maildir", "a@example.org"),
    ],
)
def test_the_sender_is_an_address_that_is_known(send: str, mailbox: str, sender: str) -> None:
    settings = Route(send, mailbox, "a@example.org", "").reading(NO_STATE).options
    (module,) = settings.modules.values()
    assert module.roundtrip
    assert module.roundtrip.sender == sender


@pytest.mark.parametrize(("timeout", "session"), [(90.0, 30.0), (20.0, 20.0), (0.25, 0.25)])
def test_a_trip_may_have_a_time_limit_and_a_resolver(timeout: float, session: float) -> None:
    servers = ("192.0.2.53", "[2001:db8::53]:5353")
    settings = replace(ROUTE, timeout=timeout, nameservers=servers).reading(NO_STATE).options
    (module,) = settings.modules.values()
    assert (module.timeout, module.session_timeout) == (timeout, session)
    assert settings.resolver.nameservers == ["192.0.2.53:53", "[2001:db8::53]:5353"]


def test_without_a_time_limit_it_is_that_of_any_module() -> None:
    (module,) = ROUTE.reading(NO_STATE).options.modules.values()
    assert module.session_timeout == SESSION_TIMEOUT


def test_a_password_is_needed_only_for_a_login() -> None:
    assert ROUTE.needs_password(SEND)
    assert ROUTE.needs_password(MAILBOX)
    other = Route("smtp://relay.example.org", "maildir:///home/me/Maildir", "a@example.org", "")
    assert not other.needs_password(SEND)
    assert not other.needs_password(MAILBOX)
    assert FROM_ENVIRONMENT[SEND] != FROM_ENVIRONMENT[MAILBOX]


SEND_URL, MAILBOX_URL = ROUTE.send, ROUTE.mailbox
MISTAKES: dict[Route, list[str]] = {
    Route("stmp://relay", "imas://u@h", "a@example.org", ""): [
        "--send: unknown scheme stmp://; did you mean smtp?",
        "--mailbox: unknown scheme imas://; did you mean imaps?",
    ],
    Route("imap://u@h", "smtp://u@h", "a@example.org", ""): [
        "--send: imap is for --mailbox",
        "--mailbox: smtp is for --send",
    ],
    Route("smtp://relay?ca_fil=/x", MAILBOX_URL, "a@example.org", ""): [
        "--send: ca_fil: unknown key; did you mean ca_file?"
    ],
    Route("smtp://u@re_lay..org", MAILBOX_URL, "a@example.org", ""): [
        "--send: host: not a host; write a name, such as mail.example.org, or an address, such as"
        " 192.0.2.1"
    ],
    Route(SEND_URL, "pop3://u@h:993", "a@example.org", ""): [
        "--mailbox: port: 993 is the port of IMAP, but this option is for POP3: 110 or 995"
    ],
    Route(SEND_URL, MAILBOX_URL, "nobody", ""): [
        "TARGET: not an e-mail address; write it as local@domain, such as probe@example.org"
    ],
    Route(SEND_URL, MAILBOX_URL, "nobody", "me@example.org"): [
        "TARGET: not an e-mail address; write it as local@domain, such as probe@example.org"
    ],
    Route(SEND_URL, MAILBOX_URL, "a@example.org", "me"): [
        "--from: not an e-mail address; write it as local@domain, such as probe@example.org"
    ],
    replace(ROUTE, nameservers=("dns.example.org",), timeout=0.0): [
        "--nameserver: not a nameserver; write an IP address, and the port if it is not 53, such as"
        " 192.0.2.53:5353",
    ],
    Route("mx:", MAILBOX_URL, "a@example.org", ""): [
        "--from: is missing: write an address whose domain may send mail from this machine"
    ],
}


@pytest.mark.parametrize(("route", "said"), MISTAKES.items(), ids=range(len(MISTAKES)))
def test_an_error_names_what_was_given(route: Route, said: list[str]) -> None:
    with pytest.raises(Mistakes) as refused:
        route.expect_sender()
        route.reading(NO_STATE)
    assert sorted(str(refused.value).splitlines()) == sorted(said)
