"""Old servers: refused with the cure whatever Python and openssl.cnf say, and watched all the same
if so told."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.tls.certificate import ServerCertificate
from exporter.net.tls.handshake import accept_from, client_context, handshake_errors, session_fact
from tests.support.old_tls_server import OLD_VERSIONS, old_context
from tests.support.recording_peers import Listener
from tests.support.smtp_receiver import Certificates

OLD = pytest.mark.parametrize("version", OLD_VERSIONS)
SHORT_DH = "DHE-RSA-AES128-SHA"

PERMISSIVE = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""
"""An openssl.cnf as people write it for an old printer."""


@contextmanager
def server(context: ssl.SSLContext) -> Iterator[int]:
    """Its port. It is none of asyncio's, which keeps to itself why a handshake fails."""
    listening = Listener(tls=context, at_once=True)
    try:
        yield listening.port
    finally:
        listening.close()


async def handshake(port: int, options: TlsOptions) -> TlsSession:
    with handshake_errors("old.example.org", Leg.SEND):
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol,
            "127.0.0.1",
            port,
            ssl=client_context(options),
            server_hostname="127.0.0.1",
        )
    try:
        return session_fact(transport.get_extra_info("ssl_object"), Leg.SEND, "host")
    finally:
        transport.abort()


async def refusal(port: int, options: TlsOptions) -> str:
    with pytest.raises(ProbeError) as caught:
        await handshake(port, options)
    assert caught.value.reason is Reason.TLS
    return caught.value.detail


@OLD
async def test_an_old_version_is_refused_with_the_cure(version: str, tmp_path: Path) -> None:
    context, ca_file = old_context(tmp_path, OLD_VERSIONS[version])
    with server(context) as port:
        told = await refusal(port, TlsOptions(ca_file=ca_file))
        assert told.startswith(
            "TLS handshake with old.example.org failed: it supports only old versions of TLS ("
        )
        assert "`tls_min_version: TLS10`" in told
        assert "old versions" in await refusal(port, TlsOptions(verify=False))
        assert "old versions" in await refusal(
            port, TlsOptions(ca_file=ca_file, tls_min_version="TLS13")
        )


@OLD
@pytest.mark.parametrize("ciphers", ["ALL", SHORT_DH])
async def test_an_old_server_is_watched_if_so_told(
    version: str, ciphers: str, tmp_path: Path
) -> None:
    """With a key of 1024 bits and, at last, a Diffie-Hellman group of 1024 bits."""
    context, ca_file = old_context(tmp_path, OLD_VERSIONS[version], ciphers)
    with server(context) as port:
        fact = await handshake(port, TlsOptions(ca_file=ca_file, tls_min_version="TLS10"))
        assert fact.version == {"TLS10": "TLSv1", "TLS11": "TLSv1.1"}[version]
        assert ciphers in ("ALL", fact.cipher)
        assert fact.expires_at is not None


async def test_tls_1_1_at_least_is_not_tls_1_0(tmp_path: Path) -> None:
    context, ca_file = old_context(tmp_path, OLD_VERSIONS["TLS10"])
    with server(context) as port:
        assert "old versions" in await refusal(
            port, TlsOptions(ca_file=ca_file, tls_min_version="TLS11")
        )


@pytest.mark.parametrize("ciphers", ["ALL", SHORT_DH])
async def test_old_parameters_of_a_new_version_have_the_same_cure(
    ciphers: str, tmp_path: Path
) -> None:
    context, ca_file = old_context(tmp_path, ssl.TLSVersion.TLSv1_2, ciphers)
    with server(context) as port:
        assert "`tls_min_version: TLS10`" in await refusal(port, TlsOptions(ca_file=ca_file))
        fact = await handshake(port, TlsOptions(ca_file=ca_file, tls_min_version="TLS10"))
    assert fact.version == "TLSv1.2"


async def test_an_old_server_has_to_show_its_certificate_all_the_same(tmp_path: Path) -> None:
    """Ciphers without certificates are never offered, since anybody could be at the other end."""
    context, ca_file = old_context(tmp_path, OLD_VERSIONS["TLS10"], "aNULL")
    with server(context) as port:
        await refusal(port, TlsOptions(ca_file=ca_file, tls_min_version="TLS10"))
    context, _ = old_context(tmp_path, OLD_VERSIONS["TLS10"])
    other = tmp_path / "other"
    other.mkdir()
    _, another_ca_file = old_context(other, OLD_VERSIONS["TLS10"])
    with server(context) as port:
        told = await refusal(port, TlsOptions(ca_file=another_ca_file, tls_min_version="TLS10"))
    assert "is not valid: self-signed certificate: set `ca_file` to its CA" in told


@pytest.mark.slow
def test_openssl_cnf_cannot_bring_old_versions_back(tmp_path: Path) -> None:
    """Of clients nor of our own servers; what it forbids beyond that stays forbidden."""
    (tmp_path / "openssl.cnf").write_text(PERMISSIVE)
    code = (
        "import ssl; from exporter.config.server import TlsOptions; from"
        " exporter.net.tls.handshake import"
        " *;own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); before = own.minimum_version;"
        " accept_from(own, 'TLS12');print(before.name, own.minimum_version.name,"
        " client_context(TlsOptions()).minimum_version.name)"
    )
    reads_it = True
    for written in ("TLSv1", "TLSv1.3"):
        (tmp_path / "openssl.cnf").write_text(PERMISSIVE.replace("= TLSv1\n", f"= {written}\n"))
        said = subprocess.run(
            [sys.executable, "-c", code],
            env={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        # A Python that was not built for Debian begins with TLS 1.2, whatever is written there.
        reads_it = reads_it and said[0] != "TLSv1_2"
        assert said[0] == (written.replace(".", "_") if reads_it else "TLSv1_2")
        expected = "TLSv1_3" if reads_it and written == "TLSv1.3" else "TLSv1_2"
        assert said[1:] == [expected] * 2


def test_our_own_servers_speak_tls_1_2_at_least(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    context = ServerCertificate(str(certificates.cert_file), str(certificates.key_file)).context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    lowered = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lowered.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    accept_from(lowered, "TLS12")
    assert lowered.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("value", ["TLS1.0", "SSL30", "tls10", "1.2", 12])
def test_versions_are_spelled_as_prometheus_does(value: object) -> None:
    with pytest.raises(ValidationError, match="TLS10"):
        TlsOptions.model_validate({"tls_min_version": value})
