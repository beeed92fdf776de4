"""What is learned of a server's certificate: its end, also when it is refused, and then nothing
else is said."""

import asyncio
import re
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.tls.handshake import client_context, handshake_errors, session_fact

AUTHORITY = trustme.CA(organization_name="Example CA", organization_unit_name="root")
NOW = datetime.now(UTC).replace(microsecond=0)
PAST, FUTURE = NOW - timedelta(days=3), NOW + timedelta(days=30)
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@dataclass
class Peer:
    """A server, who has come, and what it heard inside of TLS."""

    port: int = 0
    visits: list["asyncio.Task[None]"] = field(default_factory=list)
    heard: bytes = b""


class InsideTls(asyncio.Protocol):
    """The server's side inside of TLS."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.left = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.peer.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.left.set()


@asynccontextmanager
async def server(
    authority: trustme.CA,
    name: str,
    ends: datetime,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    above: bytes = b"",
) -> AsyncIterator[Peer]:
    """`above` are certificates that it sends after its own, PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    leaf = authority.issue_cert(name, not_before=PAST - timedelta(days=90), not_after=ends)
    with trustme.Blob(leaf.private_key_and_cert_chain_pem.bytes() + above).tempfile() as file:
        context.load_cert_chain(file)
    peer = Peer()

    async def talk(writer: asyncio.StreamWriter) -> None:
        listener = InsideTls(peer)
        try:
            loop = asyncio.get_running_loop()
            await loop.start_tls(writer.transport, listener, context, server_side=True)
            await listener.left.wait()
        except OSError:
            pass  # the client ended the handshake
        finally:
            writer.transport.abort()

    def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.visits.append(asyncio.ensure_future(talk(writer)))

    async with await asyncio.start_server(visited, "127.0.0.1", 0) as listening:
        peer.port = listening.sockets[0].getsockname()[1]
        yield peer
        await asyncio.gather(*peer.visits)


async def handshake(
    peer: Peer, options: TlsOptions, note: Callable[[str], None] = lambda line: None
) -> TlsSession:
    with handshake_errors("mx.example.org", Leg.SEND, note=note):
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol,
            "127.0.0.1",
            peer.port,
            ssl=client_context(options),
            server_hostname="mx.example.org",
        )
    try:
        return session_fact(transport.get_extra_info("ssl_object"), Leg.SEND, "host")
    finally:
        transport.abort()


async def test_a_connection_keeps_no_large_buffer(trusting: TlsOptions) -> None:
    """asyncio's own has 256 KiB, of which a TLS record can fill 16."""
    async with server(AUTHORITY, "mx.example.org", FUTURE) as peer:
        await handshake(peer, trusting)  # what is kept after the first one
        tracemalloc.start()
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol,
            "127.0.0.1",
            peer.port,
            ssl=client_context(trusting),
            server_hostname="mx.example.org",
        )
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        transport.abort()
    assert used < 2 * (100 << 10), "of both sides"


@pytest.fixture
def trusting(tmp_path: Path) -> TlsOptions:
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    return TlsOptions(ca_file=str(tmp_path / "ca.pem"))


@VERSIONS
async def test_a_good_certificate_tells_its_end(
    trusting: TlsOptions, version: ssl.TLSVersion
) -> None:
    async with server(AUTHORITY, "mx.example.org", FUTURE, version) as peer:
        fact = await handshake(peer, trusting)
    assert fact.version == version.name.replace("_", ".")
    assert fact.cipher
    assert fact.expires_at == FUTURE.timestamp()
    assert fact.chain_expires_at == FUTURE.timestamp(), "its authority's is valid for longer"
    assert fact.issuer == "O=Example CA, OU=root"
    assert re.fullmatch("[0-9a-f]{10,40}", fact.serial)


def intermediate(ends: datetime) -> trustme.CA:
    """An authority below ours that ends then."""
    key = ec.generate_private_key(ec.SECP256R1())
    above = x509.load_pem_x509_certificate(AUTHORITY.cert_pem.bytes())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Below")]))
        .issuer_name(above.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(PAST - timedelta(days=90))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(
            load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None),  # type: ignore[arg-type]
            hashes.SHA256(),
        )
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return trustme.CA.from_pem(made.public_bytes(Encoding.PEM), secret)


SOON = NOW + timedelta(days=5)


@VERSIONS
async def test_a_certificate_above_it_that_ends_sooner_is_told(
    trusting: TlsOptions, version: ssl.TLSVersion
) -> None:
    below = intermediate(SOON)
    above = below.cert_pem.bytes()
    async with server(below, "mx.example.org", FUTURE, version, above) as peer:
        fact = await handshake(peer, trusting)
        unverified = await handshake(peer, trusting.model_copy(update={"verify": False}))
    assert (fact.expires_at, fact.chain_expires_at) == (FUTURE.timestamp(), SOON.timestamp())
    assert fact.issuer == "O=Below"
    assert (unverified.expires_at, unverified.chain_expires_at) == (FUTURE.timestamp(), None)
    assert (unverified.issuer, unverified.serial) == (fact.issuer, fact.serial)


async def test_a_certificate_that_is_sent_and_not_needed_does_not_count(
    trusting: TlsOptions,
) -> None:
    above = intermediate(PAST).cert_pem.bytes()
    async with server(AUTHORITY, "mx.example.org", FUTURE, above=above) as peer:
        fact = await handshake(peer, trusting)
    assert fact.chain_expires_at == FUTURE.timestamp()


async def test_an_expired_certificate_above_it_is_told_although_it_is_refused(
    trusting: TlsOptions,
) -> None:
    below = intermediate(PAST)
    above = below.cert_pem.bytes()
    async with server(below, "mx.example.org", FUTURE, above=above) as peer:
        with pytest.raises(ProbeError, match="has expired; the server's own is valid") as caught:
            await handshake(peer, trusting)
    (fact,) = caught.value.facts
    assert isinstance(fact, TlsSession)
    assert (fact.expires_at, fact.chain_expires_at) == (FUTURE.timestamp(), PAST.timestamp())


@VERSIONS
@pytest.mark.parametrize(
    ("authority", "name", "ends", "detail"),
    [
        (
            AUTHORITY,
            "mx.example.org",
            PAST,
            f"has expired; the server's own is valid until {PAST:%Y-%m-%d %H:%M} UTC",
        ),
        (
            AUTHORITY,
            "other.example.org",
            FUTURE,
            (
                "Hostname mismatch, certificate is not valid for 'mx.example.org'; it is"
                " valid for other.example.org: set `server_name` to the expected name, or reissue"
                " the certificate"
            ),
        ),
        (
            trustme.CA(),
            "mx.example.org",
            FUTURE,
            (
                "unable to get local issuer certificate: set `ca_file` to its CA, or make"
                " the server send its intermediate certificates"
            ),
        ),
    ],
    ids=["expired", "for another name", "of a stranger"],
)
async def test_a_refused_certificate_tells_its_end_on_the_one_connection_that_there_is(
    trusting: TlsOptions,
    authority: trustme.CA,
    name: str,
    ends: datetime,
    detail: str,
    version: ssl.TLSVersion,
) -> None:
    lines: list[str] = []
    async with server(authority, name, ends, version) as peer:
        with pytest.raises(ProbeError) as caught:
            await handshake(peer, trusting, lines.append)
    assert caught.value.reason is Reason.TLS
    assert caught.value.detail.startswith("the certificate of mx.example.org is not valid: ")
    assert caught.value.detail.endswith(detail)
    (fact,) = caught.value.facts
    assert isinstance(fact, TlsSession)
    end = ends.timestamp()
    known = {"host": "mx.example.org", "fingerprint": fact.fingerprint}
    assert fact == TlsSession(Leg.SEND, "", "", end, end, fact.issuer, fact.serial, **known)
    assert len(fact.fingerprint) == 64
    assert fact.issuer.startswith("O=")
    assert fact.serial
    subject, issuer, names, validity = lines
    assert subject.startswith("-- certificate of the server: O=")
    assert issuer.startswith(f"-- issued by: {fact.issuer}")
    assert issuer.endswith("; certificates that the server sent: 1")
    assert names == f"-- for the names: {name}"
    begin = PAST - timedelta(days=90)
    assert validity == f"-- valid from {begin:%Y-%m-%d %H:%M} until {ends:%Y-%m-%d %H:%M} UTC"
    assert caught.value.at(None, None).facts == caught.value.facts
    assert len(peer.visits) == 1
    assert peer.heard == b""


async def test_whoever_does_not_verify_is_told_the_end_of_an_expired_one(
    trusting: TlsOptions,
) -> None:
    async with server(trustme.CA(), "other.example.org", PAST) as peer:
        fact = await handshake(peer, trusting.model_copy(update={"verify": False}))
    assert (fact.version, fact.expires_at) == ("TLSv1.3", PAST.timestamp())


async def test_a_failure_that_is_none_of_the_certificate_s_has_no_facts(
    trusting: TlsOptions,
) -> None:
    left = asyncio.Event()

    async def talk_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.org ESMTP\r\n")
        await reader.read()
        writer.transport.abort()
        left.set()

    async with await asyncio.start_server(talk_plainly, "127.0.0.1", 0) as listening:
        with pytest.raises(
            ProbeError, match=r"TLS handshake with mx\.example\.org failed"
        ) as caught:
            await handshake(Peer(listening.sockets[0].getsockname()[1]), trusting)
        await left.wait()
    assert caught.value.facts == ()
