"""The URLs of servers and mailboxes: each is the options that a configuration would have, or one
clear line."""

import re
from inspect import get_annotations
from typing import Any

import pytest

from exporter.config.choice import Choice
from exporter.config.server_url import (
    KindWithUrls,
    ServerUrl,
    completed,
    other_urls,
    schemes_of,
    with_user,
    without_user,
    written,
)
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions

SECRET = {"env": "SECRET"}
LOGIN = {"username": "me", "password": SECRET}
HOST = {"host": "mail.example.org"}

SENDERS: dict[str, dict[str, Any]] = {
    "smtp://mail.example.org": {"smtp": HOST},
    "smtp://me@mail.example.org": {"smtp": {**HOST, **LOGIN}},
    "SMTP://me@Mail.Example.org:2587/": {"smtp": {**HOST, "port": 2587, **LOGIN}},
    "smtp://me%40example.org@mail.example.org": {
        "smtp": {**HOST, **LOGIN, "username": "me@example.org"}
    },
    "smtp://me@example.org@mail.example.org": {
        "smtp": {**HOST, **LOGIN, "username": "me@example.org"}
    },
    "smtp://[2001:db8::1]:25": {"smtp": {"host": "2001:db8::1", "port": 25}},
    "smtps://me@mail.example.org": {"smtp": {**HOST, "port": 465, **LOGIN}},
    "smtps://me@mail.example.org:4465": {
        "smtp": {**HOST, "port": 4465, "tls": "implicit", **LOGIN}
    },
    "smtp://mail.example.org:2525?tls=starttls&verify=false&ip=4": {
        "smtp": {**HOST, "port": 2525, "tls": "starttls", "verify": False, "ip": 4}
    },
    "mx:": {"mx": {}},
    "mx:?port=2525": {"mx": {"port": 2525}},
    "lmtp://mail.example.org": {"lmtp": HOST},
    "lmtp:///run/lmtp": {"lmtp": {"socket": "/run/lmtp"}},
    "sendmail:": {"sendmail": {}},
    "sendmail:/usr/lib/sendmail": {"sendmail": {"path": "/usr/lib/sendmail"}},
    "jmap://me@mail.example.org": {"jmap": {"url": "https://mail.example.org", **LOGIN}},
    "jmap://mail.example.org:8443/session": {
        "jmap": {"url": "https://mail.example.org:8443/session", "token": SECRET}
    },
}
MAILBOXES: dict[str, dict[str, Any]] = {
    "imaps://me@mail.example.org": {"imap": {**HOST, "port": 993, **LOGIN}},
    "imap://me@mail.example.org": {"imap": {**HOST, "port": 143, **LOGIN}},
    "imaps://me@mail.example.org:1993": {
        "imap": {**HOST, "port": 1993, "tls": "implicit", **LOGIN}
    },
    "pop3s://me@mail.example.org": {"pop3": {**HOST, "port": 995, **LOGIN}},
    "pop3://me@mail.example.org": {"pop3": {**HOST, "port": 110, **LOGIN}},
    "maildir:///home/me/Maildir": {"maildir": {"path": "/home/me/Maildir"}},
    "jmap://me@mail.example.org": {"jmap": {"url": "https://mail.example.org", **LOGIN}},
}
CASES: list[tuple[type[Choice], str, dict[str, Any]]] = [
    *((SendOptions, url, options) for url, options in SENDERS.items()),
    *((MailboxOptions, url, options) for url, options in MAILBOXES.items()),
]


@pytest.mark.parametrize(("choice", "url", "options"), CASES, ids=[url for _, url, _ in CASES])
def test_a_url_stands_for_the_options_of_a_configuration(
    choice: type[Choice], url: str, options: dict[str, Any]
) -> None:
    assert written(choice, url, SECRET) == options
    assert choice.model_validate(options)


@pytest.mark.parametrize("url", ["imap://me@mail.example.org", "pop3://me@mail.example.org"])
def test_a_password_leaves_only_in_tls(url: str) -> None:
    choice = MailboxOptions.model_validate(written(MailboxOptions, url, SECRET))
    assert choice.chosen[1].tls_mode == "starttls"


@pytest.mark.parametrize(
    ("url", "tls", "port"),
    [
        ("smtp://mail.example.org", "none", 25),
        ("smtp://me@mail.example.org", "starttls", 587),
        ("smtp://me@mail.example.org:25", "starttls", 25),
        ("smtps://mail.example.org", "implicit", 465),
    ],
)
def test_what_a_url_leaves_open_is_as_in_a_configuration(url: str, tls: str, port: int) -> None:
    how = SendOptions.model_validate(written(SendOptions, url, SECRET)).chosen[1]
    assert (how.tls_mode, how.tcp_port) == (tls, port)


MISTAKES = {
    "stmp://mail.example.org": "unknown scheme stmp://; did you mean smtp?",
    "graph:": "unknown scheme graph://; known: smtp, smtps, mx",
    "mail.example.org": "not a URL; write SCHEME://USER@HOST, with one of these schemes: smtp,",
    "mail.example.org:587": "not a URL; write SCHEME://USER@HOST",
    "me@mail.example.org": "not a URL; write SCHEME://USER@HOST",
    "smtp:mail.example.org": "after smtp: there must be //, and the host or the whole path",
    "smtps://mail.example.org:587": "port 587 begins in plain text: write smtp://, or port 465",
    "smtp://": "the host is missing; write smtp://HOST",
    "smtp:///mail.example.org": "the host is missing; write smtp://HOST",
    "smtp://me@": "the host is missing; write smtp://HOST",
    "smtp://mail.example.org:0": "the port in the URL must be between 1 and 65535",
    "smtp://mail.example.org:70000": "the host or the port in the URL is not valid",
    "smtp://mail.example.org:smtp": "the host or the port in the URL is not valid",
    "smtp://[::1": "the host or the port in the URL is not valid",
    "smtp://mail.example.org/inbox": "smtp has no path: remove /inbox",
    "smtp://mail.example.org#1": "contains a #: write it as %23 if it belongs to a name",
    "smtp://mail.example.org\x1b": "contains a control character: type it again",
    "smtp://me%0d%0aQUIT@mail.example.org": "contains a control character: type it again",
    "smtp://mail.example.org?ehlo_name=a%00": "contains a control character: type it again",
    " smtp://mail.example.org": "not a URL; write SCHEME://USER@HOST",
    "smtp://mail.example.org\u200b": "contains U+200B (zero width space): type it again",
    "smtp://me:secret@mail.example.org": "write it without the password, which is asked for",
    "smtp://mail.example.org?tls=none&tls=starttls": "tls is given twice",
    "smtp://mail.example.org?host=x": "host is in the URL already: remove ?host=",
    "mx://mail.example.org": "write mx: alone: the DNS names the exchangers of the recipient's",
    "lmtp://": "the host is missing; write lmtp://HOST",
    "sendmail://usr/sbin/sendmail": "write the whole path, such as sendmail:///PATH, with three",
}


@pytest.mark.parametrize("url", MISTAKES)
def test_a_slip_is_one_clear_line(url: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(MISTAKES[url])}") as refused:
        written(SendOptions, url, SECRET)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("imaps://mail.example.org", "the user is missing; write imaps://USER@mail.example.org"),
        ("maildir://home/me/Maildir", "write the whole path, such as maildir:///PATH, with three"),
        ("maildir:", "write the whole path"),
        ("maildir:~/Maildir", "after maildir: there must be //, and the host or the whole path"),
        ("imaps://me@h:143", "port 143 begins in plain text: write imap://, or port 993"),
        ("imaps://me@mail.example.org/INBOX", "imaps has no path: remove /INBOX"),
    ],
)
def test_so_is_one_in_the_url_of_a_mailbox(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        written(MailboxOptions, url, SECRET)


@pytest.mark.parametrize(
    ("choice", "text", "url"),
    [
        (SendOptions, "mail.example.org", "smtp://mail.example.org"),
        (SendOptions, "mail.example.org:25", "smtp://mail.example.org:25"),
        (SendOptions, "mail.example.org:465", "smtps://mail.example.org:465"),
        (SendOptions, "mail.example.org:24", "lmtp://mail.example.org:24"),
        (SendOptions, "2001:db8::1", "smtp://[2001:db8::1]"),
        (SendOptions, "mx:", "mx:"),
        (SendOptions, "MX:?port=2525", "MX:?port=2525"),
        (SendOptions, "sendmail:/usr/lib/sendmail", "sendmail:/usr/lib/sendmail"),
        (SendOptions, "smtps://mail.example.org", "smtps://mail.example.org"),
        (MailboxOptions, "mail.example.org:110", "pop3://mail.example.org:110"),
        (MailboxOptions, "mail.example.org:995", "pop3s://mail.example.org:995"),
        (MailboxOptions, "mail.example.org:143", "imap://mail.example.org:143"),
        (MailboxOptions, "mail.example.org:1993", "smtp://mail.example.org:1993"),
    ],
)
def test_a_host_is_a_url_by_its_port(choice: type[Choice], text: str, url: str) -> None:
    assert completed(choice, text, "smtp://") == url


@pytest.mark.parametrize("user", ["me", "me@example.org", "a/b?c:d#e%f", "DOMAIN\\me"])
def test_a_user_goes_into_a_url_and_out_of_it(user: str) -> None:
    url = "imaps://mail.example.org:993?ca_file=/a@b"
    assert ServerUrl.parse(with_user(url, user), ()).user == user
    assert without_user(with_user(url, user)) == url
    assert without_user(url) == url


def test_the_other_urls_are_those_of_the_kinds() -> None:
    """In plain text only if there is no TLS."""
    sending = ["smtps://HOST", "mx:", "lmtp://HOST", "sendmail:", "jmap://HOST"]
    assert other_urls(SendOptions, "smtp://") == sending
    mailboxes = ["jmap://HOST", "maildir:///PATH", "pop3s://HOST"]
    assert other_urls(MailboxOptions, "imaps://") == mailboxes


@pytest.mark.parametrize("choice", [SendOptions, MailboxOptions])
def test_every_kind_with_a_scheme_knows_its_urls(choice: type[Choice]) -> None:
    known = schemes_of(choice)
    kinds = choice.kinds()
    assert len(known) == sum(len(getattr(kind, "schemes", ())) for kind in kinds.values())
    for _, kind in known.values():
        assert all(hasattr(kind, question) for question in get_annotations(KindWithUrls))
        assert hasattr(kind, "of_url")
