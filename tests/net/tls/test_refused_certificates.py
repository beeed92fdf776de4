"""A server that verifies client certificates itself (OpenSSL): in the handshake with TLS 1.2, and
with TLS 1.3 only when our side of it is over."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import Failure, ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.net.dns.resolver import Resolver
from exporter.senders.smtp import SmtpOptions
from tests.support.chains import CertifiedKey, issue, presented, server_context
from tests.support.sender_rig import means
from tests.support.sending import probe_message

AUTHORITY = issue("a CA", is_ca=True)
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
GREETINGS = {"smtp": b"220 mx.test ESMTP\r\n", "imap": b"* OK ready\r\n", "pop3": b"+OK ready\r\n"}


@contextmanager
def server(kind: str, version: str, directory: Path) -> Iterator[int]:
    """TLS from the start, for one client; it greets who has a certificate of its CA. Yields its
    port. In a thread: asyncio keeps the alert to itself."""
    context = server_context(issue("mx.test", AUTHORITY, hosts=["mx.test"]))
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.verify_mode = ssl.CERT_REQUIRED
    (directory / "ca.crt").write_bytes(AUTHORITY.pem)
    context.load_verify_locations(directory / "ca.crt")

    def greet(listening: socket.socket) -> None:
        connected, _ = listening.accept()
        with connected, suppress(OSError):
            context.wrap_socket(connected, server_side=True).sendall(GREETINGS[kind])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet, args=[listening])
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


async def visit(kind: str, port: int, directory: Path, who: CertifiedKey | None) -> Failure:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": "implicit"}
    given |= {"ca_file": str(directory / "ca.crt"), "server_name": "mx.test"}
    given |= {"username": "me", "password": "labpass"}
    if who:
        given["client_certificate"] = presented(who, directory)
    run, resolver = Run(Clock(), session_timeout=10), Resolver(["127.0.0.1:1"])
    with pytest.raises(ProbeError) as caught:
        if kind == "smtp":
            async with run.phase(Phase.SEND):
                sender = SmtpOptions.model_validate(given).sender("", means(resolver))
                await sender.send(probe_message(), run)
        else:
            options: type[ImapOptions | Pop3Options]
            options = ImapOptions if kind == "imap" else Pop3Options
            how = options.model_validate(given)
            async with run.phase(Phase.OPEN):
                await how.mailbox(resolver, None).open(run, everything)
    return run.failure(caught.value)


async def everything(raw: bytes) -> bool:
    return True


WHO = {
    "expired": (issue("probe", AUTHORITY, days=(-9, -2)), "certificate expired"),
    "of another CA": (issue("probe"), "unknown ca"),
}


@pytest.mark.parametrize("kind", GREETINGS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("which", WHO)
async def test_a_refused_certificate_is_named_with_the_alert(
    tmp_path: Path, kind: str, version: str, which: str
) -> None:
    who, alert = WHO[which]
    with server(kind, version, tmp_path) as port:
        failure = await visit(kind, port, tmp_path, who)
    assert (failure.step, failure.reason) == (Step.TLS, Reason.TLS)
    assert "it refuses our client certificate, CN=probe, valid until 20" in failure.detail
    assert alert in failure.detail


@pytest.mark.parametrize("kind", GREETINGS)
@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.2", "or it requires a client certificate: set `client_certificate`"),
        ("1.3", "it requires a client certificate (tlsv13 alert certificate required)"),
    ],
)
async def test_a_missing_certificate_is_named(
    tmp_path: Path, kind: str, version: str, words: str
) -> None:
    with server(kind, version, tmp_path) as port:
        failure = await visit(kind, port, tmp_path, None)
    assert (failure.step, failure.reason) == (Step.TLS, Reason.TLS)
    assert words in failure.detail
