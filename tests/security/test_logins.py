"""What a server can make of a login that goes wrong."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from exporter.core.reasons import Reason
from exporter.net.sasl.mechanisms import password_mechanism
from exporter.net.tls.channel_binding import binding_of
from tests.security.test_credentials import GREETING, PASSWORD, SECRETS, USER, refused, visit
from tests.support.recording_peers import Listener
from tests.support.scram_server import ScramServer
from tests.support.tls_session import session

Listening = Callable[..., Listener]
ASK_FOR_NAME = f"334 {b64encode(b'Username:').decode()}"
SAID = {
    "smtp": {"EHLO": "250-hello\r\n250 AUTH PLAIN", "AUTH": "535 no"},
    "imap": {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK",
        "AUTHENTICATE": "{tag} NO no",
    },
    "pop3": {"CAPA": "+OK\r\nSASL PLAIN\r\nUIDL\r\n.", "AUTH": "+ ", SECRETS[2].upper(): "-ERR no"},
}


@pytest.mark.parametrize("kind", SAID)
async def test_a_password_is_said_once(listener: Listening, kind: str) -> None:
    """A password is sent once, and only in answer to a request for a password: never in answer
    to a request for the user name, and not again after a refusal."""
    server = listener(GREETING[kind], SAID[kind], default="535 no")
    assert await refused(visit(kind, server.port, tls="none", auth="plain")) is Reason.AUTH
    assert bytes(server.heard).decode().count(SECRETS[2]) == 1
    if kind == "smtp":
        asking = listener(
            GREETING[kind], {"EHLO": "250-hello\r\n250 AUTH LOGIN"}, default=ASK_FOR_NAME
        )
        assert await refused(visit(kind, asking.port, tls="none")) is Reason.PROTOCOL
        heard = bytes(asking.heard).decode()
        assert heard.split()[-1] == b64encode(USER.encode()).decode()
        assert not any(secret in heard for secret in (*SECRETS, PASSWORD))


async def test_iterations(listener: Listening) -> None:
    """A server cannot make the computation expensive, or a password easy to guess: SCRAM with
    fewer than 4,096 or more than 1,000,000 iterations is refused."""
    for count in (1, 4_095, 1_000_001, 10**12):
        server = scram_server(listener, count)
        assert await refused(visit("smtp", server.port, tls="none")) is Reason.PROTOCOL
        assert len(bytes(server.heard).split(b"\r\n")) == 3, (
            "EHLO, AUTH, and nothing that comes of the password"
        )


def scram_server(listener: Listening, iterations: int) -> Listener:
    """It cannot know our nonce; the number of iterations is looked at first."""
    first = b64encode(f"r=theirs,s=c2FsdA==,i={iterations}".encode()).decode()
    return listener(
        GREETING["smtp"], {"EHLO": "250-hello\r\n250 AUTH SCRAM-SHA-256", "AUTH": f"334 {first}"}
    )


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_channel_binding(tmp_path: Path, version: str) -> None:
    """A login by a `-plus` mechanism is bound to its TLS session: a server in between that
    terminates TLS cannot relay it."""
    in_between, _ = session(tmp_path, ssl.TLSVersion[version], SHA256())
    ours = binding_of(in_between)
    real, _ = session(tmp_path, ssl.TLSVersion[version], SHA256())
    theirs = binding_of(real)
    assert ours
    assert theirs
    for binding, good in ((ours, True), (theirs, False)):
        server = ScramServer("sha256", PASSWORD, binding.data)
        scram = password_mechanism("scram-sha-256-plus", USER, PASSWORD, "mx.test", in_between)
        final = await scram.answer(server.first(scram.initial_response() or b""))
        server.final(final or b"")
        assert server.succeeded is good
