"""The URL of a proxy: what it may be, and what is shown of it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.proxy import Proxy, ProxyUrl, proxy_in
from exporter.config.types import Options, SecretUnavailable


class Part(Options):
    proxy: ProxyUrl


def url(value: Any) -> ProxyUrl:
    return Part.model_validate({"proxy": value}).proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("socks5://proxy.test:1080", Proxy("socks5", "proxy.test", 1080)),
        ("socks5h://proxy.test:1080", Proxy("socks5", "proxy.test", 1080)),
        ("SOCKS5://192.0.2.1:1080/", Proxy("socks5", "192.0.2.1", 1080)),
        ("http://[2001:db8::1]:3128", Proxy("http", "2001:db8::1", 3128)),
        ("http://me:p%40ss%3A1@proxy.test:3128", Proxy("http", "proxy.test", 3128, "me", "p@ss:1")),
    ],
)
def test_the_parts_of_a_url(text: str, proxy: Proxy) -> None:
    assert url(text).proxy() == proxy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("proxy.test:1080", "not a proxy; write socks5://HOST:PORT or http://HOST:PORT"),
        ("", "not a proxy"),
        (7, "not a proxy"),
        (["socks5://proxy.test:1080"], "not a proxy"),
        ("https://proxy.test:3128", "of the kind https is not supported"),
        ("socks4://proxy.test:1080", "of the kind socks4 is not supported"),
        ("socks5://proxy.test", "the port is missing"),
        ("socks5://proxy.test:0", "the port is missing"),
        ("socks5://proxy.test:65536", "not a proxy"),
        ("socks5://:1080", "not a proxy"),
        ("socks5://pr oxy:1080", "not a proxy"),
        ("socks5://-:1080", "its host is neither a name nor an address"),
        ("socks5://[::1:1080", "not a proxy"),
        ("http://proxy.test:3128/path", "not a proxy"),
        ("http://proxy.test:3128?q", "not a proxy"),
        ("http://me@proxy.test:3128", "needs a user name and a password"),
        ("http://:hush@proxy.test:3128", "needs a user name and a password"),
        ("http://me:%0d%0a@proxy.test:3128", "a character that no proxy accepts"),
        ("http://m%3Ae:hush@proxy.test:3128", "a character that no proxy accepts"),
        (f"http://me:{'hush' * 64}@proxy.test:3128", "longer than 255 bytes"),
        ("http://me:<secret>@proxy.test:3128", "the text that mailtrip's pages show"),
        ("$PROXY", "variables are not expanded"),
        ("http://me:${PASSWORD}@proxy.test:3128", "variables are not expanded"),
    ],
)
def test_mistakes_have_their_cure_and_repeat_nothing(text: object, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        url(text)
    (error,) = caught.value.errors()
    assert words in error["msg"]
    assert "hush" not in str(caught.value)
    assert "m:e" not in str(caught.value)


def test_a_password_is_never_shown() -> None:
    secret = url("socks5://me:hush@proxy.test:1080")
    shown = "socks5://me:<secret>@proxy.test:1080"
    assert str(secret) == repr(secret) == shown
    assert Part(proxy=secret).model_dump_json() == f'{{"proxy":"{shown}"}}'
    assert "hush" not in repr(secret.proxy())
    assert str(secret.proxy()) == "socks5://proxy.test:1080"
    assert str(url("http://proxy.test:3128")) == "http://proxy.test:3128"


def test_a_file_and_a_variable_hold_the_whole_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "proxy"
    file.write_text("http://me:hush@proxy.test:3128\n")
    assert url({"file": str(file)}).proxy().password == "hush"
    assert str(url({"file": str(file)})) == "<secret>"
    monkeypatch.setenv("PROXY", "socks5://proxy.test")
    with pytest.raises(SecretUnavailable) as caught:
        url({"env": "PROXY"}).proxy()
    assert str(caught.value).startswith(
        "the proxy in the environment variable PROXY cannot be used: the port is missing"
    )


def test_the_credentials_of_basic() -> None:
    assert proxy_in("http://Aladdin:open%20sesame@proxy.test:80").basic == (
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617 section 2
    )
    assert proxy_in("http://proxy.test:80").basic == ""
