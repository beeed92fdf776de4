"""What is left of a cancelled session with a mail server that says nothing more, and ends nothing:
no connection, whether it was shaking hands or had greeted."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.config.server import NetworkOptions, TlsOptions
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.net.dns.resolver import Resolver
from exporter.net.smtp.session import session
from tests.support.silent_service import cancelled, silent_service
from tests.support.wanting import all_of_them

Enter = Callable[[Run, int, str], Awaitable[None]]
HOST = "127.0.0.1"


async def smtp(run: Run, port: int, ca_file: str) -> None:
    options = TlsOptions(ca_file=ca_file)
    with session(HOST, run) as conversation:
        await conversation.connect(Resolver([]), port, NetworkOptions(), options)
        await conversation.ehlo("probe.example.test")


async def imap(run: Run, port: int, ca_file: str) -> None:
    options = ImapOptions.model_validate(login(port, ca_file))
    await ImapMailbox(options, Resolver([])).open(run, all_of_them)


async def pop3(run: Run, port: int, ca_file: str) -> None:
    options = Pop3Options.model_validate(login(port, ca_file))
    await Pop3Mailbox(options, Resolver([])).open(run, all_of_them)


def login(port: int, ca_file: str) -> dict[str, Any]:
    return {
        "host": HOST,
        "port": port,
        "tls": "implicit",
        "ca_file": ca_file,
        "username": "probe",
        "password": "secret",
    }


each = pytest.mark.parametrize(
    ("enter", "greeting"),
    [(smtp, b"220 here\r\n"), (imap, b"* OK here\r\n"), (pop3, b"+OK here\r\n")],
    ids=["smtp", "imap", "pop3"],
)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(file)
    return file


@each
async def test_in_the_handshake(enter: Enter, greeting: bytes, ca_file: str) -> None:
    with silent_service(None) as service:
        await cancelled(enter(Run(Clock()), service.port, ca_file), service)
        await asyncio.sleep(0)
        assert service.clients() == 0


@each
async def test_after_the_greeting(
    enter: Enter, greeting: bytes, authority: trustme.CA, ca_file: str
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(tls)
    with silent_service(tls, greeting, reads=0) as service:
        await cancelled(enter(Run(Clock()), service.port, ca_file), service)
        await asyncio.sleep(0)
        assert service.clients() == 0
