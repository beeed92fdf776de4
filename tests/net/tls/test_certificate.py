"""The certificate of our own servers: read again when it changes, and never asked a password
for."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from exporter.core.model import ProbeError
from exporter.net.tls.certificate import ServerCertificate
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import NAME, Certificates, deliver, receiver


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(
    certificates: Certificates,
) -> None:
    encrypted = BestAvailableEncryption(b"secret")
    key = load_pem_private_key(certificates.key_file.read_bytes(), None)
    certificates.key_file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted)
    )
    with pytest.raises(
        ProbeError,
        match="^tls: cannot use .*: not a certificate and an unencrypted key in PEM format$",
    ):
        ServerCertificate(str(certificates.cert_file), str(certificates.key_file))


async def test_a_renewed_certificate_is_shown_to_the_next_client(
    certificates: Certificates,
) -> None:
    async with receiver(tls=certificates.options) as session:
        for name in (NAME, "renewed.mon.test"):
            certificates.issue(name)
            async with RawClient(session.receiver.port) as client:
                await client.dialogue("EHLO test", "STARTTLS")
                await client.start_tls(certificates.client_context, name)


async def test_a_renewal_that_goes_wrong_leaves_the_old_certificate(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiver(tls=certificates.options) as session:
        certificates.cert_file.unlink()
        async with RawClient(session.receiver.port) as client:
            await client.dialogue("EHLO test", "STARTTLS")
            await client.start_tls(certificates.client_context, NAME)
        assert (
            "cannot reload the certificate, keeping the previous version: cannot read"
            in caplog.text
        )
        await deliver(session)
