"""What is learned of a server's certificate: its end, also when it is refused, and then nothing
else is said."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from exporter.config.server import TlsOptions
from exporter.core.model import ProbeError, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.net.tls import client_context, handshake_errors, session_fact

AUTHORITY = trustme.CA()
NOW = datetime.now(UTC).replace(microsecond=0)
PAST, FUTURE = NOW - timedelta(days=3), NOW + timedelta(days=30)
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@dataclass
class Peer:
    """A server, who has come, and what it heard inside of TLS."""

    port: int = 0
    visits: list["asyncio.Task[None]"] = field(default_factory=list)
    heard: bytes = b""


class Listener(asyncio.Protocol):
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
) -> AsyncIterator[Peer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    authority.issue_cert(name, not_before=PAST - timedelta(days=90), not_after=ends).configure_cert(
        context
    )
    peer = Peer()

    async def talk(writer: asyncio.StreamWriter) -> None:
        listener = Listener(peer)
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
        return session_fact(transport.get_extra_info("ssl_object"), Leg.SEND)
    finally:
        transport.abort()


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
    assert caught.value.facts == (TlsSession(Leg.SEND, "", "", ends.timestamp()),)
    subject, issuer, names, validity = lines
    assert subject.startswith("-- certificate of the server: O=")
    assert issuer.startswith("-- issued by: O=trustme")
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
