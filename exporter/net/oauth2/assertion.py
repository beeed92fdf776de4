"""Signed assertions: of the client's identity (RFC 7523 section 2.2), or a service account's
(section 2.1)."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exporter.config.oauth2 import CertificateOptions
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

LIFETIME = 600  # seconds; Microsoft advises five to ten minutes, Google allows an hour
SKEW = 60  # seconds by which our clock may be ahead

ServiceAccount = dict[str, str]


def of_client(
    certificate: CertificateOptions, client_id: str, audience: str, now: float, *, microsoft: bool
) -> str:
    """The client assertion, signed with the certificate's key. Microsoft requires PS256 and the
    SHA-256 thumbprint; others use RS256."""
    leaf = _certificate(certificate.cert_file)
    key = _key(_read(certificate.key_file), certificate.key_file)
    of_rsa = "PS256" if microsoft else "RS256"
    algorithm = of_rsa if isinstance(key, RSAPrivateKey) else "ES256"
    headers = {"x5t#S256": _thumbprint(leaf, SHA256())}
    if not microsoft:
        headers["x5t"] = _thumbprint(leaf, SHA1())  # noqa: S303  # a name, and no signature
    claims = {"iss": client_id, "sub": client_id, "aud": audience}
    return _signed(claims, key, algorithm, headers, now)


def of_service_account(
    account: ServiceAccount, subject: str, scope: str, audience: str, now: float
) -> str:
    """The assertion that the service account acts for `subject`
    (https://developers.google.com/identity/protocols/oauth2)."""
    key = _key(account["private_key"].encode(), "service_account")
    headers = {"kid": account["private_key_id"]} if "private_key_id" in account else {}
    claims = {"iss": account["client_email"], "sub": subject, "scope": scope, "aud": audience}
    return _signed(claims, key, "RS256", headers, now)


def service_account(text: str) -> ServiceAccount:
    """Parses the JSON key file of Google's console."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(found.get(n), str) for n in ("client_email", "private_key")
    ):
        raise ProbeError(Reason.AUTH, "service_account is not the JSON key of a service account")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _signed(
    claims: dict[str, str],
    key: RSAPrivateKey | EllipticCurvePrivateKey,
    algorithm: str,
    headers: dict[str, str],
    now: float,
) -> str:
    begin = int(now) - SKEW
    times = {"iat": begin, "exp": begin + LIFETIME} | (
        {"nbf": begin, "jti": str(uuid4())} if "scope" not in claims else {}
    )
    return jwt.encode({**claims, **times}, key, algorithm, headers)


def _key(pem: bytes, place: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):  # TypeError: it has a password
        raise ProbeError(Reason.AUTH, f"{place} has no unencrypted private key") from None
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        return key
    raise ProbeError(Reason.AUTH, f"the private key in {place} is neither RSA nor EC")


def _certificate(file: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(file))
    except ValueError:
        raise ProbeError(Reason.AUTH, f"{file} has no certificate") from None


def _thumbprint(certificate: x509.Certificate, algorithm: HashAlgorithm) -> str:
    return urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ProbeError(Reason.AUTH, f"cannot read {file}: {error.strerror}") from None
