"""Mechanisms for passwords, as they are configured and offered."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from exporter.config.server import ForPassword
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.net.sasl.mechanisms import password_mechanism, unsupported
from exporter.senders.smtp import SmtpOptions

LOGIN = {"host": "mail.example.org", "username": "me", "password": "hush"}


@pytest.mark.parametrize("auth", get_args(ForPassword))
@pytest.mark.parametrize("kind", [SmtpOptions, ImapOptions, Pop3Options])
def test_every_protocol_knows_every_mechanism(kind: type[BaseModel], auth: str) -> None:
    kind.model_validate({**LOGIN, "auth": auth})
    without: dict[str, Any] = {**LOGIN, "auth": auth, "tls": "none"}
    if auth.endswith("-plus"):
        with pytest.raises(ValidationError, match="needs TLS: it binds the login"):
            kind.model_validate(without)
    else:
        kind.model_validate(without)


@pytest.mark.parametrize("auth", ["plain", "login", *get_args(ForPassword)])
def test_every_mechanism_has_its_name(auth: str) -> None:
    if not auth.endswith("-plus"):
        assert password_mechanism(auth, "me", "hush", "mx.test").name == auth.upper()


@pytest.mark.parametrize(
    ("offered", "said"),
    [(["NTLM"], True), (["gssapi", "plain"], True), (["GSS-SPNEGO"], True), (["XOAUTH2"], False)],
)
def test_what_mailtrip_never_supports_is_said(offered: list[str], said: bool) -> None:
    words = " (mailtrip does not support NTLM and GSSAPI)"
    assert unsupported(offered) == (words if said else "")
