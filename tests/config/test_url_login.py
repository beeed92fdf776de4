"""A password in a URL is found however the rest is written, and nothing else is taken for one."""

import pytest

from exporter.config.url_login import has_password


@pytest.mark.parametrize(
    "url",
    [
        "smtp://user:secret@relay.example.org",
        "smtp://user:secret@relay.example.org:587",
        "smtp://user@example.org:secret@relay.example.org",
        "smtp://user:se/cr@et?#@relay.example.org",
        "smtp://:secret@relay.example.org",
        "smtp://user:@relay.example.org",
        "smtp:user:secret@relay.example.org",
        "//user:secret@relay.example.org",
        "user:secret@relay.example.org",
        "smtp://relay.example.org?username=user&password=secret",
        "jmap://api.example.org?token=secret",
        "imaps://user@imap.example.org?proxy=socks5://us:secret@proxy.example.org:1080",
    ],
)
def test_a_password_is_found(url: str) -> None:
    assert has_password(url)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://relay.example.org",
        "smtp://user@relay.example.org:587",
        "smtp://user@example.org@relay.example.org:587",
        "imaps://user@[2001:db8::1]:993",
        "imaps://user@imap.example.org?proxy=socks5://proxy.example.org:1080",
        "imaps://user@imap.example.org:993?ca_file=/etc/a@b.pem",
        "mx:",
        "sendmail:/usr/sbin/sendmail",
        "maildir:///var/mail/a:b@example.org",
        "relay.example.org:587",
        "",
    ],
)
def test_nothing_else_is_a_password(url: str) -> None:
    assert not has_password(url)
