"""The options of a JMAP server: its URL, and one way to log in."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.jmap import JmapServerOptions
from exporter.config.server_url import ServerUrl

LOGIN = {"username": "u", "password": "p"}


def options(url: str = "https://jmap.example.org", **given: Any) -> JmapServerOptions:
    return JmapServerOptions.model_validate({"url": url, **(given or LOGIN)})


@pytest.mark.parametrize(
    ("url", "place", "resource"),
    [
        ("https://h.example", "h.example:443", "https://h.example/.well-known/jmap"),
        ("https://H.example:8443/", "h.example:8443", "https://H.example:8443/.well-known/jmap"),
        ("https://h.example/session?x=1", "h.example:443", "https://h.example/session?x=1"),
        ("https://[2001:db8::1]:1", "2001:db8::1:1", "https://[2001:db8::1]:1/.well-known/jmap"),
    ],
)
def test_a_url_without_a_path_leads_to_the_well_known_one(
    url: str, place: str, resource: str
) -> None:
    found = options(url)
    assert (found.place, found.resource) == (place, resource)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h.example", "not the URL of a JMAP server"),
        ("https://u:p@h.example", "not the URL of a JMAP server"),
        ("https://h.example/a b", "not the URL of a JMAP server"),
        ("https://h.example/#a", "not the URL of a JMAP server"),
        ("https://h.example:70000", "must be between 1 and 65535"),
        ("https://h.example:0", "must be between 1 and 65535"),
    ],
)
def test_another_url_is_a_mistake(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(url)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"username": "u"}, "password, token or oauth2 is missing"),
        ({"username": "u", "password": "p", "token": "t"}, "only one of these can be given"),
        ({"username": "u", "token": "t"}, "token needs no username"),
        ({"password": "p"}, "password needs a username"),
        ({"username": "a:b", "password": "p"}, "must not contain a colon"),
    ],
)
def test_there_is_one_way_to_log_in(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**given)


def test_a_url_on_the_command_line_has_a_token_if_it_names_no_user() -> None:
    secret = {"env": "X"}

    def of(text: str) -> dict[str, Any]:
        return JmapServerOptions.of_url(ServerUrl.parse(text, ("jmap",)), secret)

    assert of("jmap://h.example") == {"url": "https://h.example", "token": secret}
    assert of("jmap://u@h.example:8443/s") == {
        "url": "https://h.example:8443/s",
        "username": "u",
        "password": secret,
    }
