"""Witnesses that are not ours: Postfix, Dovecot and aiosmtpd tell what they were given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from exporter.senders import SendOptions
from tests.lab.client import Lab, LabUser
from tests.support.name_server import names
from tests.support.sender_rig import make_sender
from tests.support.sending import MESSAGES, RECIPIENT, SENDER, new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Received

LAB: dict[str, Callable[[Lab], dict[str, Any]]] = {
    "smtp": lambda lab: {"host": lab.relay_name, "tls": "starttls", "port": 25, "ca_file": lab.ca},
    "mx": lambda lab: {"source_address": lab.mon_ip},
    "lmtp": lambda lab: {"host": lab.imap_ip},
    "sendmail": lambda lab: {"path": lab.sendmail},
}
"""How each kind sends to the lab."""

ELSEWHERE = {"graph", "jmap"}
"""Kinds for servers that the lab does not have."""

SMALL = [name for name in MESSAGES if name not in ("a dot at the start of all", "three megabytes")]


def test_every_kind_sends_to_the_lab() -> None:
    assert LAB.keys() == set(SendOptions.choices) - ELSEWHERE


@pytest.mark.parametrize("kind", LAB)
@pytest.mark.parametrize("name", SMALL)
async def test_postfix_and_dovecot_store_what_was_sent(
    lab: Lab, lab_user: LabUser, kind: str, name: str
) -> None:
    """They put their headers in front, a milter puts its own behind the others, and lines end as
    they do on Unix."""
    sender = make_sender(kind, LAB[kind](lab), Resolver([lab.dns]))
    assert (
        await send(sender, ProbeMessage(SENDER, lab_user.address, MESSAGES[name]), new_run())
        is None
    )
    (mail,) = await asyncio.to_thread(lab_user.wait_for_mails, 1)
    assert f"Return-Path: <{SENDER}>\n".encode() in mail.content
    assert f"Delivered-To: {lab_user.address}\n".encode() in mail.content
    head, blank, body = MESSAGES[name].replace(b"\r\n", b"\n").partition(b"\n\n")
    stored_head, _, stored_body = mail.content.partition(b"\n\n")
    assert f"\n{head.decode()}\n" in f"{stored_head.decode()}\n"
    assert (stored_body, blank) == (body, b"\n\n")


class Handler:
    """For aiosmtpd."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.options: list[list[str]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        assert envelope.mail_from is not None
        self.received.append(
            Received(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content)
        )
        self.options.append(envelope.mail_options)
        return "250 OK"


@pytest.fixture
async def aiosmtpd() -> AsyncIterator[tuple[Handler, int]]:
    handler, loop = Handler(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, hostname="aiosmtpd.test", loop=loop),
        "127.0.0.1",
        0,
    )
    async with server:
        yield handler, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("kind", ["smtp", "mx"])
@pytest.mark.parametrize("name", MESSAGES)
async def test_aiosmtpd_gets_what_was_sent(
    aiosmtpd: tuple[Handler, int], kind: str, name: str
) -> None:
    handler, port = aiosmtpd
    host = {"host": "mx.example.test", "tls": "none"} if kind == "smtp" else {}
    async with names(ZONE) as resolver:
        sender = make_sender(kind, {"port": port, **host}, resolver)
        assert (
            await send(sender, ProbeMessage(SENDER, RECIPIENT, MESSAGES[name]), new_run()) is None
        )
    assert handler.received == [Received(SENDER, (RECIPIENT,), MESSAGES[name])]


@pytest.mark.parametrize("kind", ["smtp", "mx"])
async def test_aiosmtpd_takes_addresses_in_other_scripts(
    aiosmtpd: tuple[Handler, int], kind: str
) -> None:
    handler, port = aiosmtpd
    host = {"host": "mx.example.test", "tls": "none"} if kind == "smtp" else {}
    message = probe_message("grüße@example.test")
    async with names(ZONE) as resolver:
        assert (
            await send(make_sender(kind, {"port": port, **host}, resolver), message, new_run())
            is None
        )
    assert handler.received == [Received(SENDER, (message.recipient,), message.raw)]
    assert handler.options == [[f"SIZE={len(message.raw)}", "BODY=8BITMIME", "SMTPUTF8"]]


async def test_postfix_understands_addresses_in_other_scripts(lab: Lab) -> None:
    """Nobody has such a name there: the relay takes it all the same, and the exchanger says it
    back."""
    message, resolver = probe_message("grüße@lab.test"), Resolver([lab.dns])
    assert await send(make_sender("smtp", LAB["smtp"](lab), resolver), message, new_run()) is None
    failure = await send(make_sender("mx", LAB["mx"](lab), resolver), message, new_run())
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.RCPT, Reason.REJECTED, "550")
    assert "<grüße@lab.test>: Recipient address rejected" in failure.detail
