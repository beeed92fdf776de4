"""Every grant against an identity provider that judges it, and what it says when it refuses."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from exporter.core.reasons import Reason
from exporter.net.oauth2.provider import DEFAULT_LIFETIME
from tests.support.identity_provider import CLIENT, FEDERATED, REFRESH
from tests.support.oauth2_rig import OAuth2Rig, refusal, rig


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[OAuth2Rig]:
    async with rig(tmp_path) as made:
        yield made


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def certificate(key: Any) -> bytes:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailtrip")]), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    )
    builder = (
        builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


async def test_a_client_secret(here: OAuth2Rig) -> None:
    token = await here.account().token()
    assert here.identity.asked[0]["grant_type"] == "client_credentials"
    assert (token.value, token.lifetime) == (here.identity.issued[0], 3600)


@pytest.mark.parametrize("make_key", [rsa_key, ec_key])
@pytest.mark.parametrize("provider", [None, "microsoft"])
async def test_a_certificate(
    here: OAuth2Rig, tmp_path: Path, make_key: Callable[[], Any], provider: str | None
) -> None:
    key = make_key()
    here.identity.certificate = leaf = certificate(key)
    file = tmp_path / "both.pem"
    file.write_bytes(leaf + pem(key))
    proof = {"cert_file": str(file), "key_file": str(file)}
    account = here.account(client_secret=None, certificate=proof, provider=provider)
    assert (await account.token()).value == here.identity.issued[0]
    asked = here.identity.asked[0]
    assert asked["client_id"] == CLIENT
    assert asked.get("scope") == ("https://outlook.office365.com/.default" if provider else None)


async def test_a_federated_token_is_read_again(here: OAuth2Rig, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("an old one\n")
    account = here.account(client_secret=None, federated_token_file=str(file))
    file.write_text(f"{FEDERATED}\n")
    await account.token()
    assert here.identity.asked[0]["client_assertion"] == FEDERATED


async def test_a_refresh_token(here: OAuth2Rig) -> None:
    await here.account(refresh_token=REFRESH).token()
    assert here.identity.asked[0]["grant_type"] == "refresh_token"


async def test_a_refresh_token_that_was_revoked(here: OAuth2Rig) -> None:
    error = await refusal(here.account(refresh_token="an old one"))
    assert (error.reason, error.code) == (Reason.AUTH, "invalid_grant")
    assert error.detail.endswith(
        "issued no token: invalid_grant: Token has been expired or revoked."
    )


def google_key(here: OAuth2Rig) -> str:
    here.identity.service_account = (
        rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return json.dumps(
        {
            "client_email": "mailtrip@project.iam.gserviceaccount.com",
            "private_key": pem(rsa_key()).decode(),
            "private_key_id": "1",
            "token_uri": here.identity.url,
        }
    )


async def test_a_service_account_acts_as_the_user(here: OAuth2Rig) -> None:
    account = here.account(
        "probe@example.org",
        client_id=None,
        client_secret=None,
        token_url=None,
        provider="google",
        service_account=google_key(here),
    )
    assert (await account.token()).value == here.identity.issued[0]
    assert here.identity.asked[0]["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.mark.parametrize("ahead", [7200, -7200])
async def test_a_clock_that_is_wrong_is_told_with_the_refusal(
    here: OAuth2Rig, ahead: float
) -> None:
    here.identity.ahead = ahead
    account = here.account(
        client_id=None,
        client_secret=None,
        token_url=None,
        provider="google",
        service_account=google_key(here),
    )
    error = await refusal(account)
    assert error.reason is Reason.AUTH
    assert "Invalid JWT" in error.detail
    assert ("s ahead of ours" if ahead > 0 else "s behind ours") in error.detail


async def test_the_clock_of_the_identity_provider_does_not_shorten_a_token(here: OAuth2Rig) -> None:
    here.identity.ahead = -100_000
    account = here.account()
    first = await account.token()
    here.hands.moment += 3000
    assert await account.token() is first


async def test_a_wrong_tenant(here: OAuth2Rig) -> None:
    error = await refusal(
        here.account(token_url=here.identity.url.replace("lab.test", "example.test"))
    )
    assert error.reason is Reason.AUTH
    assert error.detail.endswith(
        "issued no token: invalid_request: AADSTS90002: Tenant 'x' not found."
    )


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, "", Reason.UNAVAILABLE),
        (429, '{"error": "slow_down"}', Reason.UNAVAILABLE),
        (400, '{"error": "temporarily_unavailable"}', Reason.UNAVAILABLE),
        (404, "<html>", Reason.PROTOCOL),
        (302, "", Reason.PROTOCOL),
        (200, "[]", Reason.PROTOCOL),
        (200, "[" * 100_000, Reason.PROTOCOL),
        (200, '{"access_token": 5}', Reason.PROTOCOL),
        (200, '{"access_token": "a\\u0001b"}', Reason.PROTOCOL),
        (200, '{"access_token": "abc", "expires_in": -5}', Reason.PROTOCOL),
        (200, '{"access_token": "abc", "token_type": "mac"}', Reason.PROTOCOL),
        (200, "x" * 1_000_000, Reason.PROTOCOL),
        (403, '{"error": "access_denied", "error_description": "no\\u0007pe"}', Reason.AUTH),
    ],
)
async def test_answers_that_are_no_token(
    here: OAuth2Rig, status: int, body: str, reason: Reason
) -> None:
    here.identity.instead = (status, body)
    account = here.account()
    assert (await refusal(account)).reason is reason
    assert account.failures == {reason: 1}


@pytest.mark.parametrize("lifetime", ['"1800"', "1800", "1800.0"])
async def test_a_lifetime_may_be_written_as_a_text(here: OAuth2Rig, lifetime: str) -> None:
    here.identity.instead = (200, f'{{"access_token": "abc", "expires_in": {lifetime}}}')
    assert (await here.account().token()).lifetime == 1800


async def test_a_lifetime_that_is_no_number(here: OAuth2Rig) -> None:
    here.identity.instead = (200, f'{{"access_token": "abc", "expires_in": {"9" * 400}}}')
    assert (await here.account().token()).lifetime == DEFAULT_LIFETIME


async def test_a_date_that_is_none(here: OAuth2Rig) -> None:
    here.identity.date = "1 Jan 99999999999999999999 00:00:00 GMT"
    here.identity.instead = (400, '{"error": "invalid_grant"}')
    assert (await refusal(here.account())).reason is Reason.AUTH


async def test_a_certificate_of_a_stranger(here: OAuth2Rig) -> None:
    error = await refusal(here.account(ca_file=None))
    assert error.reason is Reason.TLS
    assert "certificate" in error.detail
    assert not here.identity.asked


async def test_nobody_listens(here: OAuth2Rig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await refusal(
            here.account(token_url=f"https://127.0.0.1:{taken.getsockname()[1]}/token")
        )
    assert error.reason is Reason.CONNECT
    assert "connect" in error.detail.lower()


async def test_a_name_without_an_address(here: OAuth2Rig) -> None:
    assert (
        await refusal(here.account(token_url="https://nobody.invalid/token"))
    ).reason is Reason.DNS


async def test_the_proxy_of_the_environment_is_asked(
    here: OAuth2Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        error = await refusal(here.account())
    assert (error.reason, "proxy" in error.detail) == (Reason.CONNECT, True)


async def test_files_that_cannot_be_used(here: OAuth2Rig, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none")
    file = tmp_path / "file"
    file.write_text("nothing")
    for options in (
        {"client_secret": {"file": nowhere}},
        {"client_secret": None, "federated_token_file": nowhere},
        {"client_secret": None, "certificate": {"cert_file": nowhere, "key_file": nowhere}},
        {"client_secret": None, "certificate": {"cert_file": str(file), "key_file": str(file)}},
        {"client_secret": None, "client_id": None, "service_account": {"file": str(file)}},
    ):
        assert (await refusal(here.account(**options))).reason is Reason.AUTH
    assert not here.identity.asked
