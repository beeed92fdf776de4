"""The own SMTP receiver, open, as the tests of its parts want it."""

import asyncio
import re
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trustme

from exporter.config.server import ReceiverTls
from exporter.config.types import Listen
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.session import Wanted
from exporter.mailboxes.smtpd import SmtpdMailbox, SmtpdSession
from exporter.mailboxes.smtpd_options import SmtpdOptions
from exporter.net.dns.resolver import Resolver
from exporter.net.smtpd.limits import LIMITS, Limits

NAME = "mx.mon.test"
MESSAGE = b"From: a@lab.test\r\nSubject: hello\r\n\r\nbody\r\n"


async def everything(raw: bytes) -> bool:
    return True


@asynccontextmanager
async def receiver(
    wanted: Wanted = everything,
    limits: Limits = LIMITS,
    listen: str = "127.0.0.1:0",
    **options: Any,
) -> AsyncIterator[SmtpdSession]:
    """An open receiver for monitor@mon.test. When it is closed, no task and no error may be left
    behind."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    before = asyncio.all_tasks()
    configured = SmtpdOptions(
        **{"listen": Listen(listen), "recipients": ["monitor@mon.test"], **options}
    )
    session = await SmtpdMailbox(configured, Resolver(["127.0.0.1:1"]), limits=limits).open(
        Run(Clock()), wanted
    )
    try:
        yield session
    finally:
        await session.close()
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not errors


class Certificates:
    """A certification authority, and files that a receiver reads."""

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.cert_file, self.key_file = directory / "receiver.crt", directory / "receiver.key"
        self.issue(NAME)

    def issue(self, name: str) -> None:
        # Swaks looks for what it was told to connect to.
        issued = self.authority.issue_cert(name, "127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(self.cert_file)
        issued.private_key_pem.write_to_path(self.key_file)

    @property
    def options(self) -> ReceiverTls:
        return ReceiverTls(cert_file=str(self.cert_file), key_file=str(self.key_file))

    @property
    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())


async def deliver(
    session: SmtpdSession,
    raw: bytes = MESSAGE,
    *,
    sender: str = "a@lab.test",
    to: str | list[str] = "monitor@mon.test",
    options: tuple[str, ...] = (),
) -> dict[str, tuple[int, bytes]]:
    """Sends with the standard library's client, in a thread. Returns the recipients that were
    refused."""

    def send() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP(
            "127.0.0.1", session.receiver.port, local_hostname="test.lab.test"
        ) as client:
            return client.sendmail(sender, to, raw, options)

    return await asyncio.to_thread(send)


async def arrival(session: SmtpdSession) -> bytes:
    """The one message that has come, or comes, as it was sent."""
    await session.wait(30, Wake())
    (sighting,) = await session.scan()
    return split(sighting.raw)[1]


def split(raw: bytes) -> tuple[bytes, bytes]:
    """What the receiver wrote above a message, and the message."""
    found = re.fullmatch(rb"(Return-Path: .*\r\nReceived: .*\r\n\t.*\r\n\t.*\r\n)((?s:.*))", raw)
    assert found, raw
    return found[1], found[2]
