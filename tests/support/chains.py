"""Certificates with whatever may be wrong with them, servers that present them, and their TLSA
records."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from exporter.net.tls.der import public_key_of
from exporter.net.tls.tlsa import PUBLIC_KEY, Tlsa, matched

DAY = timedelta(days=1)
HOST = "mx.example.test"


@dataclass(frozen=True)
class CertifiedKey:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def issue(
    name: str,
    by: CertifiedKey | None = None,
    *,
    is_ca: bool | None = None,
    length: int | None = None,
    hosts: Sequence[str] = (),
    days: tuple[float, float] = (-1, 90),
    signs: bool | None = None,
    serves: bool | None = None,
    key: EllipticCurvePrivateKey | None = None,
) -> CertifiedKey:
    """A certificate, by itself if by nobody. What is None is not said in it."""
    key = key or generate_private_key(SECP256R1())
    subject = _named(name)
    issuer, signer = (by.certificate.subject, by.key) if by else (subject, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
    )
    if is_ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(is_ca, length), critical=True)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    if signs is not None:
        usage = x509.KeyUsage(True, False, False, False, False, signs, False, False, False)
        builder = builder.add_extension(usage, critical=True)
    if serves is not None:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if serves else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return CertifiedKey(builder.sign(signer, SHA256()), key)


def presented(identity: CertifiedKey, directory: Path) -> dict[str, str]:
    """The option `client_certificate` for files with it."""
    files = {"cert_file": directory / "client.crt", "key_file": directory / "client.key"}
    files["cert_file"].write_bytes(identity.pem)
    files["key_file"].write_bytes(key_pem(identity.key))
    return {name: str(file) for name, file in files.items()}


def key_pem(key: EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def tlsa(of: CertifiedKey, usage: int = 3, selector: int = 1, matching: int = 1) -> Tlsa:
    """The record of that kind for a certificate."""
    part = public_key_of(of.der) if selector == PUBLIC_KEY else of.der
    return Tlsa(usage, selector, matching, matched(part, matching))


def written(record: Tlsa) -> str:
    """As in a zone."""
    return f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"


def server_context(own: CertifiedKey, *others: CertifiedKey) -> ssl.SSLContext:
    """For a server that sends these certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:
        file = Path(directory) / "chain.pem"
        file.write_bytes(key_pem(own.key) + b"".join(one.pem for one in (own, *others)))
        context.load_cert_chain(file)
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
