"""The options of a client of a mail server: TLS, the login, and what a URL stands for."""

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from exporter.config.server import Ports, ServerOptions
from exporter.config.server_url import ServerUrl
from exporter.core.reasons import Reason
from exporter.core.steps import Step

LOGIN = {"username": "u", "password": "p"}
CERTIFICATE = {"client_certificate": {"cert_file": "/c", "key_file": "/k"}}
TOKEN = {"provider": "google", "client_id": "c", "client_secret": "s", "refresh_token": "r"}


class ImapLike(ServerOptions):
    """With the ports of IMAP."""

    ports: ClassVar[Ports] = Ports("IMAP", implicit=993, starttls=143, others=(1143,))


def options(**given: Any) -> ImapLike:
    return ImapLike.model_validate({"host": "h.example", **given})


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({}, "none"),
        ({"port": 25}, "none"),
        ({"port": 587}, "starttls"),
        ({"port": 465}, "implicit"),
        ({"port": 993}, "implicit"),
        ({"port": 995}, "implicit"),
        (LOGIN, "starttls"),
        (CERTIFICATE, "starttls"),
        ({"username": "u", "oauth2": TOKEN}, "starttls"),
        ({"tls": "none", **LOGIN}, "none"),
        ({"tls": "starttls", "port": 993}, "starttls"),
    ],
)
def test_no_password_goes_out_in_plain_text_by_accident(given: dict[str, Any], mode: str) -> None:
    assert options(**given).tls_mode == mode


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"username": "u"}, "username needs a password, oauth2 or client_certificate"),
        ({"password": "p"}, "password needs a username"),
        ({"oauth2": TOKEN}, "oauth2 needs a username"),
        ({**LOGIN, "oauth2": TOKEN}, "only one of these can be given: password, oauth2"),
        ({"username": "u", "oauth2": TOKEN, "tls": "none"}, "oauth2 needs TLS"),
        ({**CERTIFICATE, "tls": "none"}, "client_certificate needs TLS"),
    ],
)
def test_a_login_is_complete_and_safe(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**given)


def test_steps_and_reasons_are_those_that_can_happen() -> None:
    plain, whole = options(), options(**LOGIN)
    assert plain.steps_of_access(Step.AUTH) == {Step.RESOLVE, Step.CONNECT, Step.GREETING}
    assert whole.steps_of_access(Step.AUTH) - plain.steps_of_access(Step.AUTH) == {
        Step.TLS,
        Step.AUTH,
    }
    assert whole.reasons_of_access - plain.reasons_of_access == {Reason.TLS, Reason.AUTH}
    assert options(**CERTIFICATE).logs_in
    assert not plain.logs_in


def of(text: str) -> dict[str, Any]:
    return ImapLike.of_url(ServerUrl.parse(text, ("imap", "imaps")), {"env": "X"})


def test_a_url_stands_for_options() -> None:
    login = {"username": "u", "password": {"env": "X"}}
    assert of("imaps://u@h.example") == {"host": "h.example", "port": 993, **login}
    assert of("imap://h.example") == {"host": "h.example"}
    assert of("imap://h.example:1143") == {"host": "h.example", "port": 1143}
    assert of("imaps://h.example:5993") == {
        "host": "h.example",
        "port": 5993,
        "tls": "implicit",
    }


@pytest.mark.parametrize("port", [143, 1143])
def test_a_port_of_plain_text_is_not_one_of_tls(port: int) -> None:
    with pytest.raises(ValueError, match=rf"port {port} .* write imap://, or port 993"):
        of(f"imaps://h.example:{port}")


def test_ports_of_a_protocol() -> None:
    assert ImapLike.ports.clear == (1143, 143)
    assert ImapLike.ports.every == (143, 993, 1143)
    assert Ports("LMTP", starttls=24).every == (24,)
