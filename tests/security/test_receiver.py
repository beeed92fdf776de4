"""What strangers can do to the own receiver, which is an SMTP server that the world may talk to."""

import asyncio
import smtplib
import sqlite3
import tracemalloc
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.token_key import load_key
from exporter.mail.tokens import Mint, new_key
from exporter.mailboxes.session import READ_LIMIT, WHOLE_LIMIT
from exporter.mailboxes.smtpd import MAX_WAITING, MOST_WHOLE
from exporter.net.smtpd.limits import LIMITS, UNENDED_LINE, Limits
from exporter.net.smtpd.proxy_header import LONGEST
from tests.security.conftest import Start
from tests.support.fast_forward import fast_forward
from tests.support.ports import free_port
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import NAME, Certificates, receiver, split

OWN = """
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [monitor@mon.test]}}}}
modules:
  inbound:
    interval: 1h
    roundtrip: {{from: probe@mon.test, send: {{smtp: {{host: 127.0.0.1, port: {port},
        tls: none}}}}, mailbox: own}}
"""


HEARTBEAT = """
mailboxes:
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [monitor@mon.test]}}}}
modules:
  nightly: {{interval: 1s, heartbeat: {{mailbox: own, from: "backup@*", subject: "*finished*", every: 26h}}}}
probes:
  - {{name: nightly, module: nightly}}
"""  # noqa: E501


async def nothing(raw: bytes) -> bool:
    return False


async def test_relaying() -> None:
    """The SMTP receiver accepts mail only for its `recipients`, however another address is
    written, and cannot relay mail."""
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.dialogue("EHLO test", "MAIL FROM:<a@lab.test>")
        for address in (
            "you@example.com",
            "you@mon.test",
            "monitor@mon.test@example.com",
            "you@example.com@mon.test",
            "monitor%mon.test@example.com",
            "you%example.com@mon.test",
            "example.com!you@mon.test",
            "@mon.test:you@example.com",
            "@mon.test,@example.com:you@example.com",
            '"monitor@mon.test"@example.com',
            '"you@example.com"@mon.test',
            "monitor@mon.test>,<you@example.com",
            "monitor@[127.0.0.1]",
            "monitor",
            "postmaster",
            "",
        ):
            assert (await client.command(f"RCPT TO:<{address}>"))[:1] == "5", address
        assert await client.command("DATA") == "503 Error: need RCPT command"
        assert (await client.command("RCPT TO:<monitor@mon.test>"))[:3] == "250"


@pytest.mark.slow
def test_messages_of_strangers(start: Start, tmp_path: Path) -> None:
    """It refuses a message without a token, with a forged token, or with a token of another
    mailtrip, and keeps no part of it. It also refuses a message to an address of a trip (`{trip}`)
    that this mailtrip did not make."""
    port = free_port()
    exporter = start(OWN.format(port=port))
    ours = (
        Mint(load_key(next(tmp_path.glob("mailtrip-*/state/token.key")))).mint(1_000_000_000).word
    )
    forged = ours[:-1] + ("b" if ours.endswith("a") else "a")
    foreign = Mint(new_key()).mint(1_000_000_000).word
    for word in ("none", forged, foreign, "mtrip1" + "a" * 48, ours[:-1], f"x{ours}"):
        with (
            smtplib.SMTP("127.0.0.1", port) as client,
            pytest.raises(smtplib.SMTPDataError) as caught,
        ):
            client.sendmail(
                "a@lab.test",
                "monitor@mon.test",
                f"Message-ID: <{word}@lab.test>\r\n\r\nx {word}\r\n",
            )
        assert caught.value.smtp_code == 550, word
    made = Mint(load_key(next(tmp_path.glob("mailtrip-*/state/token.key")))).mint(1_000_000_000)
    away = "Subject: Away\r\nAuto-Submitted: auto-replied\r\n\r\n"
    letter = "b" if made.address_part.endswith("a") else "a"
    for part in (made.address_part[:-1] + letter, made.trip):
        with (
            smtplib.SMTP("127.0.0.1", port) as client,
            pytest.raises((smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused)),
        ):
            client.sendmail("", f"monitor+{part}@mon.test", away)
    with smtplib.SMTP("127.0.0.1", port) as client:  # so that it was not for another reason
        client.sendmail("a@lab.test", "monitor@mon.test", f"Message-ID: <{ours}@lab.test>\r\n\r\n")
        client.sendmail("", f"monitor+{made.address_part}@mon.test", away)
    rejected = exporter.series()
    assert rejected['mailtrip_tokens_rejected_total{mailbox="own",reason="bad_signature"}'] == 2
    assert rejected['mailtrip_tokens_rejected_total{mailbox="own",reason="foreign_instance"}'] == 2


@pytest.mark.slow
def test_heartbeats(start: Start, tmp_path: Path) -> None:
    """With a `heartbeat` for its mailbox it also accepts messages whose sender and subject match,
    and keeps of each only the time, the sender and the subject, cut to 100 characters."""
    port = free_port()
    exporter = start(HEARTBEAT.format(port=port))
    head = f"From: backup@lab.test\r\nSubject: {'x' * 200} finished"
    letters = {
        f"{head}\r\nX-Other: secret-header\r\n\r\nsecret-body\r\n": True,
        f"{head.replace('backup', 'other')}\r\n\r\n\r\n": False,
        f"{head.replace('finished', 'failed')}\r\n\r\nSubject: finished\r\n": False,
        f"X: {head}\r\n\r\n{head}\r\n": False,
    }
    for letter, taken in letters.items():
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            client.mail("a@lab.test")
            client.rcpt("monitor@mon.test")
            assert client.data(letter)[0] == (250 if taken else 550), letter
    exporter.wait_for("mailtrip_heartbeat_last_timestamp_seconds", "/probe?module=nightly")
    exporter.stop()
    (file,) = tmp_path.glob("mailtrip-*/state/mailtrip.sqlite")
    with closing(sqlite3.connect(file)) as state:
        texts = "".join(state.iterdump())
    assert f'"subject":"{"x" * 99}…"' in texts
    assert "secret" not in texts
    assert "other@" not in texts


async def test_smuggling_in() -> None:
    """Only a single dot between two CRLF ends a message: a bare line end cannot smuggle in a
    second message."""
    for end in (
        b"\n.\n",
        b"\r\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\n.\r",
        b"\r\n\0.\r\n",
        b"\r\r\n.\r\r\n",
    ):
        async with receiver() as session, RawClient(session.receiver.port) as client:
            await client.until_data()
            second = (
                b"MAIL FROM:<forged@lab.test>\r\nRCPT TO:<monitor@mon.test>\r\nDATA\r\ntwo\r\n.\r\n"
            )
            client.send(b"one" + end + second)
            assert await client.reply() == "250 2.6.0 Seen", end
            assert await client.command("NOOP") == "250 OK", end
            (sighting,) = await session.scan()
            assert split(sighting.raw)[1].startswith(b"one")


async def test_what_came_before_tls(tmp_path: Path) -> None:
    """Data that a client, or an attacker on the path, sends before TLS is discarded when TLS
    starts, even if it arrives together with STARTTLS."""
    certificates = Certificates(tmp_path)
    async with (
        receiver(tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.dialogue("EHLO test", "MAIL FROM:<a@lab.test>", "RCPT TO:<monitor@mon.test>")
        client.send(
            b"STARTTLS\r\nEHLO forged\r\nMAIL FROM:<forged@lab.test>\r\nRCPT"
            b" TO:<monitor@mon.test>\r\nDATA\r\n"
        )
        assert (await client.reply()).startswith("220")
        await client.start_tls(certificates.client_context, NAME)
        assert await client.dialogue("NOOP", "DATA") == ["250 OK", "503 Error: send HELO first"]


async def replies_and_turns(port: int, flood: bytes) -> tuple[list[bytes], int]:
    """What is answered to a flood, and how often others had their turn meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = bytearray()
    with suppress(ConnectionError):
        writer.write(flood)
        while piece := await reader.read(65536):
            heard += piece
    writer.transport.abort()
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    return bytes(heard).splitlines(), turns


@pytest.mark.parametrize(
    "line", [b"\r\n", b"\xff\r\n", b"EHLO\r\n", b"RCPT TO:<x>\r\n", b"x" * 600 + b"\r\n"]
)
async def test_refused_commands(line: bytes) -> None:
    """A session ends after 100 refused commands, including empty lines and unknown commands."""
    async with receiver() as session:
        replies, _ = await replies_and_turns(session.receiver.port, line * 5_000)
        assert len(replies) <= 1 + 101 + 1


async def test_floods() -> None:
    """A flood of commands or lines does not block other clients: after each reply, and after a
    hundred lines, other work runs, and 1,000 commands of a kind end the session."""
    async with receiver() as session:
        replies, turns = await replies_and_turns(session.receiver.port, b"NOOP\r\n" * 5_000)
        assert (replies[-1][:3], len(replies)) == (b"421", 1 + 1000 + 1)
        assert turns > 1000
        message = (
            b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<monitor@mon.test>\r\nDATA\r\n"
            + b"\r\n" * 200_000
        )
        replies, turns = await replies_and_turns(session.receiver.port, message + b".\r\nQUIT\r\n")
        assert replies[-2:] == [b"250 2.6.0 Seen", b"221 Bye"]
        assert turns > 2000


@pytest.mark.slow
async def test_memory_of_messages() -> None:
    """While a message arrives, only its first 64 KiB are kept, whatever its lines, unless it is
    ours; a message larger than `max_message_size` is refused."""
    async with (
        receiver(wanted=nothing, max_message_size=200_000) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.until_data()
        chunk = b"\r\n" * 25_000
        tracemalloc.start()
        for _ in range(4):
            client.send(chunk)
            await client.writer.drain()
        client.send(b".\r\n")
        assert (await client.reply())[:3] == "550"
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * READ_LIMIT
        await client.until_data()
        client.send(chunk * 4 + b"x\r\n" + b".\r\n")
        assert (await client.reply())[:3] == "552"
        assert await session.scan() == []


@pytest.mark.parametrize(
    "limits", [Limits(idle=0.2), Limits(session=0.2), Limits(session=0.2, goodbye=0.1)]
)
@fast_forward
async def test_slow_clients(limits: Limits) -> None:
    """A client that is silent for 60 s is disconnected, and every client after 300 s, whether
    it sends commands, sends a message slowly, or does not read replies."""
    async with (
        receiver(limits=limits) as session,
        RawClient(session.receiver.port, receive_buffer=2048) as client,
    ):
        if limits.idle > 1:
            await client.until_data()
            dripping = asyncio.create_task(drip(client))
            assert await client.is_cut()
            dripping.cancel()
        else:
            assert await client.is_cut()
        assert await session.scan() == []


async def drip(client: RawClient) -> None:
    while True:
        client.send(b"x")
        await asyncio.sleep(0.01)


async def test_lines_without_end() -> None:
    """A command to the SMTP receiver may have 1,001 bytes, a line of a message 64 KiB; a longer
    one ends the connection."""
    async with receiver() as session, RawClient(session.receiver.port) as client:
        assert await client.command("NOOP " + "x" * 2000) == "500 Command line too long"
        await client.until_data()
        assert (await client.command("x" * 60_000 + "\r\n."))[:3] == "250"
        client.send(b"x" * (UNENDED_LINE + 1))
        assert await client.is_cut()


async def test_places() -> None:
    """At most 200 clients are connected to the SMTP receiver, at most 50 of them from one
    address or from one IPv6 network, all of which one machine may own."""
    async with receiver() as session, AsyncExitStack() as stack:
        greetings = []
        for number in range(205):
            client = RawClient(session.receiver.port, source=f"127.0.1.{number // 51 + 1}")
            greetings.append((await stack.enter_async_context(client)).greeting)
        assert [greeting[:3] for greeting in greetings].count("220") == 200
        assert greetings[50] == "421 4.7.0 Too many connections from your address"
        assert greetings[-1] == "421 4.7.0 Too many connections"
    async with receiver() as session:
        clients: list[Any] = [object() for _ in range(51)]
        peers = [(f"2001:db8::{number:x}", 25, 0, 0) for number in range(51)]
        replies = [
            session.receiver.admit(client, peer)
            for client, peer in zip(clients, peers, strict=True)
        ]
        assert replies == [None] * 50 + ["421 4.7.0 Too many connections from your address"]
        for client in clients:
            session.receiver.clients.forget(client)


async def test_whole_messages() -> None:
    """The SMTP receiver keeps a whole message, up to `max_message_size`, only if its first 64 KiB
    contain a token of this mailtrip, and at most 10 whole messages at a time."""
    text = b"x\r\n" * 40_000
    async with receiver(wanted=nothing) as session:
        async with RawClient(session.receiver.port) as client:
            await client.until_data()
            client.send(text + b".\r\n")
            assert (await client.reply())[:3] == "550"
        assert session._whole == {}
    async with receiver() as session, RawClient(session.receiver.port) as client:
        for _ in range(MOST_WHOLE + 2):
            await client.until_data()
            client.send(text + b".\r\n")
            assert await client.reply() == "250 2.6.0 Seen"
        sightings = await session.scan()
        assert {len(one.raw) for one in sightings} == {READ_LIMIT}
        sizes = [len(await session.whole(one, WHOLE_LIMIT)) for one in sightings]
        assert all(size > len(text) for size in sizes[:MOST_WHOLE])
        assert (sizes[MOST_WHOLE:], MOST_WHOLE) == ([0, 0], 10)
        assert await session.whole(sightings[0], WHOLE_LIMIT) == b""


async def test_messages_that_wait() -> None:
    """At most 500 messages are queued for processing, each with its 64 KiB; further messages
    are deferred."""
    async with receiver() as session, RawClient(session.receiver.port) as client:
        for _ in range(MAX_WAITING):
            await client.until_data()
            await client.command(".")
        await client.until_data()
        assert await client.command(".") == "452 4.3.1 Too many messages are waiting"
        assert len(await session.scan()) == MAX_WAITING == 500
        await client.until_data()
        assert await client.command(".") == "250 2.6.0 Seen"


@fast_forward
async def test_proxy_headers() -> None:
    """With `proxy_protocol`, mailtrip accepts a PROXY header only from the addresses that the
    option lists. It closes a connection from there that does not begin with a header of at most 4
    KiB within 5 s."""
    header = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"
    endless = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (LONGEST + 1).to_bytes(2) + b"x" * 100
    assert (LIMITS.header, LONGEST) == (5.0, 4 << 10)
    limits = Limits(header=0.2)
    async with receiver(proxy_protocol=["127.0.0.9"], limits=limits) as session:
        port = session.receiver.port
        for source, first, address in (
            ("127.0.0.9", header, "192.0.2.7"),
            ("127.0.0.1", header, "127.0.0.1"),
        ):
            async with RawClient(port, source=source, first=first) as client:
                assert client.greeting[:3] == "220"
                if source == "127.0.0.1":
                    assert (await client.reply())[:3] == "502"
                await client.until_data()
                client.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
                assert (await client.reply())[:3] == "250"
            (sighting,) = await session.scan()
            assert sighting.client
            assert sighting.client.address == address
        for first in (b"", b"EHLO x\r\n", header[:-1], endless):
            async with RawClient(port, source="127.0.0.9", first=first) as client:
                assert client.greeting == ""
        assert not list(session.receiver.clients)
