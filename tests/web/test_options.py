"""The web configuration file: what the toolkit allows, and what is refused for a reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.web.options import RateLimitOptions, TlsServerOptions, WebOptions

FILES = {"cert_file": "c.pem", "key_file": "k.pem"}
CHECKED = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.pem"}
HASH = "$2y$10$" + "a" * 21 + "e" + "b" * 31


def tls(**given: Any) -> TlsServerOptions:
    return TlsServerOptions.model_validate({**FILES, **given})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"client_auth_type": "RequireAnyClientCert"}, "accepts any certificate"),
        ({"client_auth_type": "RequestClientCert"}, "accepts any certificate"),
        ({"client_ca_file": "ca.pem"}, "client_ca_file has no effect without"),
        ({"client_allowed_sans": ["a"]}, "client_allowed_sans has no effect without"),
        ({"client_auth_type": "VerifyClientCertIfGiven"}, "client_ca_file is missing"),
        ({**CHECKED, "client_allowed_sans": []}, "at least 1"),
        ({"min_version": "TLS11"}, "insecure and not supported"),
        ({"min_version": "TLS13", "max_version": "TLS12"}, "newer than max_version"),
        ({"cipher_suites": ["TLS_RSA_WITH_RC4_128_SHA"]}, "not a supported cipher suite"),
        (
            {"max_version": "TLS12", "cipher_suites": ["TLS_AES_128_GCM_SHA256"]},
            "contains none for TLS 1.2",
        ),
        ({"curve_preferences": ["X25519", "CurveP256"]}, "supports only one curve"),
        ({"curve_preferences": ["secp256k1"]}, "not a supported curve"),
    ],
)
def test_what_proves_nothing_or_cannot_work_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        tls(**given)


def test_paths_are_seen_from_the_file() -> None:
    found = tls(**CHECKED, key_file="/abs/k.pem").seen_from("/etc/mailtrip")
    assert found.files() == {
        "cert_file": "/etc/mailtrip/c.pem",
        "key_file": "/abs/k.pem",
        "client_ca_file": "/etc/mailtrip/ca.pem",
    }
    assert tls().files() == FILES


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("1m30s", 90.0), ("1.5h", 5400.0), ("2µs", 2e-6), ("0", 0.0), (0, 0.0)],
)
def test_an_interval_is_a_duration_of_go(text: object, seconds: float) -> None:
    given = {"interval": text, "burst": 1}
    assert RateLimitOptions.model_validate(given).interval == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["5", 5, "", "1s x", "-1s", True, "s", "1 s"])
def test_anything_else_is_none(text: object) -> None:
    with pytest.raises(ValidationError, match="not a duration"):
        RateLimitOptions.model_validate({"interval": text, "burst": 1})


def test_a_limit_lets_at_least_one_in() -> None:
    with pytest.raises(ValidationError, match="every request is refused"):
        RateLimitOptions.model_validate({"interval": "1s"})
    assert RateLimitOptions.model_validate({"interval": 0}).burst == 0


@pytest.mark.parametrize(
    ("users", "problem"),
    [
        ({"a": "secret"}, "not a bcrypt hash"),
        ({"a": HASH.replace("$10$", "$32$")}, "not a bcrypt hash"),
        ({"a": HASH + "x"}, "not a bcrypt hash"),
        ({"a:b": HASH}, "must not hold a colon"),
        ({"": HASH}, "at least 1 character"),
        ({}, "at least 1 item"),
    ],
)
def test_a_user_has_a_name_and_a_hash(users: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        WebOptions.model_validate({"basic_auth_users": users})
    assert "secret" not in str(caught.value)
    assert WebOptions.model_validate({"basic_auth_users": {"a": HASH}}).basic_auth_users


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "\N{BULLET}"])
def test_a_header_is_one_line_of_ascii(value: str) -> None:
    headers = {"http_server_config": {"headers": {"Content-Security-Policy": value}}}
    with pytest.raises(ValidationError, match="must be one line of ASCII"):
        WebOptions.model_validate(headers)
