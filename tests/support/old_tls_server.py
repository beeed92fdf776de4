"""A server from another time: TLS 1.0 or 1.1, an RSA key of 1024 bits, Diffie-Hellman with 1024
bits."""

import datetime
import ssl
import warnings
from base64 import b64encode
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

OLD_VERSIONS = {"TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1}

_SECOND_OAKLEY_GROUP = (  # RFC 2409 section 6.2
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
)
# A sequence of p and 2.
_PKCS3 = b64encode(bytes.fromhex(f"3081870281 8100{_SECOND_OAKLEY_GROUP}020102")).decode()
_DAY = datetime.timedelta(days=1)


def speaks_at_most(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """`context` of a server, whose OpenSSL then allows whatever it can."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
    return context


def old_context(
    directory: Path, version: ssl.TLSVersion, ciphers: str = "ALL"
) -> tuple[ssl.SSLContext, str]:
    """A server at 127.0.0.1 with old parameters, and the `ca_file` for its clients."""
    context = speaks_at_most(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), version)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    certificate, key = self_made(bits=1024)
    chain, trusted, parameters = directory / "old.pem", directory / "old.crt", directory / "dh.pem"
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate
    )
    trusted.write_bytes(certificate)
    parameters.write_text(f"-----BEGIN DH PARAMETERS-----\n{_PKCS3}\n-----END DH PARAMETERS-----\n")
    context.load_cert_chain(chain)
    context.load_dh_params(str(parameters))
    return context, str(trusted)


def self_made(bits: int) -> tuple[bytes, rsa.RSAPrivateKey]:
    """As installers made them: self-signed, of version 3, without key identifiers."""
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("old.example.org"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM), key
