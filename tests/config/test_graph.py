"""The options of Microsoft Graph."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.graph import GraphOptions

OAUTH2 = {"provider": "microsoft", "tenant": "example.org", "client_id": "a", "client_secret": "b"}
USUAL: dict[str, Any] = {"user": "monitor@example.org", "oauth2": OAUTH2}


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({}, "https://graph.microsoft.com/.default"),
        ({"base_url": "https://graph.microsoft.us/v1.0"}, "https://graph.microsoft.us/.default"),
        ({"base_url": "https://[::1]:8443/v1.0/"}, "https://[::1]:8443/.default"),
        ({"oauth2": OAUTH2 | {"scope": "mine"}}, "mine"),
        ({"oauth2": OAUTH2 | {"refresh_token": "c"}}, ""),
    ],
)
def test_the_token_is_for_the_host_of_the_api(given: dict[str, Any], scope: str) -> None:
    options = GraphOptions.model_validate(USUAL | given)
    login, user = options.token_login
    assert (login.scopes, user) == (scope, "monitor@example.org")
    assert not options.base_url.endswith("/")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base_url": "http://graph.microsoft.com/v1.0"}, "write https://HOST/VERSION"),
        ({"base_url": "https://graph.microsoft.com"}, "write https://HOST/VERSION"),
        ({"base_url": "https://graph.microsoft.com/v1.0?a=b"}, "write https://HOST/VERSION"),
        ({"base_url": "https://a@graph.microsoft.com/v1.0"}, "write https://HOST/VERSION"),
        ({"base_url": "https://[::1/v1.0"}, "host or the port in the URL is not valid"),
        ({"base_url": "https://graph.lab.test:x/v1.0"}, "host or the port in the URL is not valid"),
        ({"base_url": "https://graph.lab.test:65536/v1.0"}, "the port in the URL is not valid"),
        ({"base_url": "https://graph.lab.test:0/v1.0"}, "must be between 1 and 65535"),
        ({"base_url": "https://graph..lab.test/v1.0"}, "not a host"),
        (
            {"oauth2": {"provider": "google", "client_id": "a", "refresh_token": "b"}},
            "accepts no tokens of Google",
        ),
        ({"oauth2": None}, "oauth2"),
        ({"user": None}, "user"),
    ],
)
def test_what_cannot_work_is_told(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        GraphOptions.model_validate(USUAL | given)
