"""TLS sessions in memory, of a client of ours with OpenSSL's server."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from exporter.config.server import TlsOptions
from exporter.net.tls.handshake import client_context

Digest = SHA256 | SHA384 | SHA512
Session = tuple[ssl.SSLObject, ssl.SSLObject]


def session(folder: Path, version: ssl.TLSVersion, digest: Digest | None) -> Session:
    """A client and a server after their handshake."""
    key = elliptic(SECP256R1()) if digest else Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, digest)
    )
    pem = certificate.public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "identity.pem"
    path.write_bytes(pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    serving.maximum_version = version
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(TlsOptions(verify=False)).wrap_bio(back, there)
    server = serving.wrap_bio(there, back, server_side=True)
    for side in (client, server) * 3:
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client, server
