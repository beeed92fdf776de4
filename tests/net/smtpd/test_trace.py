"""What the receiver writes above a message (RFC 5321 4.4): what it knows of the client, and nothing
that the client could have written itself.
"""

import asyncio
import re
import smtplib
from email import message_from_bytes
from pathlib import Path

import pytest

from exporter.mail.headers.dates import time_of
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import NAME, Certificates, receiver, split


async def delivered(client: RawClient, *commands: str, message: str = "Subject: x\r\n\r\n") -> None:
    for command in (*commands, "RCPT TO:<monitor@mon.test>", "DATA"):
        assert (await client.command(command))[0] in "23", command
    assert await client.command(f"{message}.") == "250 2.6.0 Seen"


@pytest.mark.parametrize(
    ("commands", "sender", "greeting", "protocol"),
    [
        (
            ["HELO mail.example.org", "MAIL FROM:<a@example.org>"],
            "a@example.org",
            "mail.example.org",
            "SMTP",
        ),
        (["EHLO [192.0.2.7]", "MAIL FROM:<>"], "", "[192.0.2.7]", "ESMTP"),
        (["EHLO a", "MAIL FROM:<é@example.org> SMTPUTF8"], "é@example.org", "a", "UTF8SMTP"),
        (
            ["EHLO a (b [192.0.2.9]) by c; é", "MAIL FROM:<>"],
            "",
            "a??b?[192.0.2.9]??by?c???",
            "ESMTP",
        ),
        (["EHLO a", 'MAIL FROM:<"a b"@example.org>'], '"a b"@example.org', "a", "ESMTP"),
        (["EHLO old", "EHLO new", "MAIL FROM:<a@example.org>"], "a@example.org", "new", "ESMTP"),
    ],
)
async def test_the_trace_says_who_brought_the_message(
    commands: list[str], sender: str, greeting: str, protocol: str
) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        before = int(session.receiver.clock.wall())
        await delivered(client, *commands)
        (sighting,) = await session.scan()
        lines = split(sighting.raw)[0].decode().split("\r\n")
        assert lines[:3] == [
            f"Return-Path: <{sender}>",
            f"Received: from {greeting} ([127.0.0.1])",
            f"\tby mon.test with {protocol};",
        ]
        assert re.fullmatch(r"\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", lines[3])
        assert before <= (time_of(lines[3]) or 0) <= session.receiver.clock.wall()


async def test_the_trace_tells_of_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    async with (
        receiver(tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.dialogue("EHLO before", "STARTTLS")
        await client.start_tls(certificates.client_context, NAME)
        await delivered(client, "EHLO after", "MAIL FROM:<a@example.org>")
        (sighting,) = await session.scan()
        assert (
            b"Received: from after ([127.0.0.1])\r\n\tby mon.test with ESMTPS;\r\n" in sighting.raw
        )


async def test_a_client_over_ipv6_is_named_as_rfc_5321_writes_it() -> None:
    def send(port: int) -> None:
        with smtplib.SMTP("::1", port, local_hostname="a") as client:
            client.sendmail("a@example.org", "monitor@mon.test", b"Subject: x\r\n\r\n")

    async with receiver(listen="[::1]:0") as session:
        await asyncio.to_thread(send, session.receiver.port)
        (sighting,) = await session.scan()
        assert b"Received: from a ([IPv6:::1])\r\n" in sighting.raw


@pytest.mark.parametrize(
    "command",
    [
        "EHLO a\rX-Forged: yes",
        "EHLO a\r\r\rbody",
        "EHLO a\x0bX-Forged: yes",
        "EHLO \x00\x85\u2028\udcff",
    ],
    ids=ascii,
)
async def test_a_greeting_cannot_write_headers(command: str) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await delivered(client, command, "MAIL FROM:<a@example.org>")
        (sighting,) = await session.scan()
        assert message_from_bytes(sighting.raw).keys() == ["Return-Path", "Received", "Subject"]


async def test_every_message_of_a_session_has_a_trace_of_its_own_on_top() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        forged = "Return-Path: <forged@example.org>\r\nReceived: by elsewhere\r\n\r\n"
        await delivered(client, "EHLO a", "MAIL FROM:<one@example.org>", message=forged)
        await delivered(client, "MAIL FROM:<two@example.org>", message=forged)
        sightings = await session.scan()
        assert [split(sighting.raw)[0].split(b"\r\n")[0] for sighting in sightings] == [
            b"Return-Path: <one@example.org>",
            b"Return-Path: <two@example.org>",
        ]
        assert {split(sighting.raw)[1] for sighting in sightings} == {forged.encode()}
