"""How the receiver's connections end: broken by the client, or closed by us. Nothing may be left
behind."""

import asyncio
import contextlib
import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from exporter.net.smtpd.limits import Limits
from tests.support.smtp_client import RawClient, served_again
from tests.support.smtp_receiver import NAME, Certificates, receiver

ONE_PLACE = Limits(connections=1, session=0.5, goodbye=0.1)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def test_a_client_that_leaves_before_the_greeting_leaves_nothing_behind() -> None:
    async with receiver(limits=ONE_PLACE) as session:
        _, writer = await asyncio.open_connection("127.0.0.1", session.receiver.port)
        writer.close()
        await writer.wait_closed()
        await served_again(session.receiver.port)


async def test_a_client_that_says_no_more_is_gone() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        client.writer.write_eof()
        assert await client.is_cut()


async def test_a_client_that_breaks_off_in_the_middle_of_a_message_sends_none() -> None:
    async with receiver(limits=ONE_PLACE) as session:
        async with RawClient(session.receiver.port) as client:
            await client.until_data()
            client.send(b"half a message\r\n")
        await served_again(session.receiver.port)
        assert await session.scan() == []


@pytest.mark.parametrize("trusts", [None, ssl.create_default_context()], ids=["no hello", "alert"])
async def test_a_failing_handshake_ends_the_connection_and_is_no_error_of_ours(
    certificates: Certificates, caplog: pytest.LogCaptureFixture, trusts: ssl.SSLContext | None
) -> None:
    limits = Limits(connections=1)
    async with receiver(limits=limits, tls=certificates.options) as session:
        async with RawClient(session.receiver.port) as client:
            await client.dialogue("EHLO test", "STARTTLS")
            if trusts:
                with pytest.raises(ssl.SSLCertVerificationError):
                    await client.start_tls(trusts, NAME)
            else:
                client.send(b"this is no client hello\r\n")
                assert await client.is_cut()
        await served_again(session.receiver.port)
    assert caplog.text == ""


@pytest.mark.slow
async def test_a_handshake_that_stands_still_has_an_end(certificates: Certificates) -> None:
    async with receiver(limits=ONE_PLACE, tls=certificates.options) as session:
        async with RawClient(session.receiver.port) as client:
            await client.dialogue("EHLO test", "STARTTLS")
            assert await client.is_cut()
        await served_again(session.receiver.port)


async def test_closing_waits_for_nobody_who_does_not_answer(certificates: Certificates) -> None:
    limits = Limits(goodbye=0.1)
    async with (
        receiver(limits=limits, tls=certificates.options) as session,
        AsyncExitStack() as stack,
    ):
        stalled, encrypted = [
            await stack.enter_async_context(RawClient(session.receiver.port)) for _ in range(2)
        ]
        await stalled.dialogue("EHLO test", "STARTTLS")
        await encrypted.dialogue("EHLO test", "STARTTLS")
        await encrypted.start_tls(certificates.client_context, NAME)
        encrypted.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await session.close()
        assert await stalled.is_cut()


@pytest.mark.parametrize(
    ("limits", "commands"),
    [
        (Limits(connections=1), ["QUIT"]),
        (Limits(connections=1, idle=0.1), []),
        (Limits(connections=1, commands=1), ["NOOP", "NOOP"]),
    ],
    ids=["QUIT", "idle", "too many commands"],
)
async def test_a_client_that_does_not_end_tls_is_gone_all_the_same(
    certificates: Certificates, limits: Limits, commands: list[str]
) -> None:
    """asyncio alone would wait for half a minute."""
    async with (
        receiver(limits=limits, tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.dialogue("EHLO test", "STARTTLS")
        await client.start_tls(certificates.client_context, NAME)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send("".join(f"{command}\r\n" for command in commands).encode())
        async with asyncio.timeout(15):
            await served_again(session.receiver.port)


async def test_a_client_that_leaves_hundreds_of_commands_behind_leaves_no_warnings(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiver(limits=ONE_PLACE, tls=certificates.options) as session:
        async with RawClient(session.receiver.port) as client:
            await client.dialogue("EHLO test", "STARTTLS")
            await client.start_tls(certificates.client_context, NAME)
            client.send(b"NOOP\r\n" * 300)
        await served_again(session.receiver.port)
    assert caplog.text == ""


ROUNDS_OF_THE_LOOP = range(10)  # so that closing meets everything that can be under way


@pytest.mark.parametrize("rounds", ROUNDS_OF_THE_LOOP)
async def test_while_it_closes_what_is_not_confirmed_is_not_kept(rounds: int) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.until_data()
        client.send(b".\r\n")
        for _ in range(rounds):
            await asyncio.sleep(0)
        await session.close()
        confirmed = await client.reply() == "250 2.6.0 Seen"
        assert len(await session.scan()) == confirmed


@pytest.mark.parametrize("rounds", ROUNDS_OF_THE_LOOP)
async def test_while_it_closes_nobody_is_let_in(rounds: int) -> None:
    async with receiver() as session:
        connecting = asyncio.create_task(
            asyncio.open_connection("127.0.0.1", session.receiver.port)
        )
        for _ in range(rounds):
            await asyncio.sleep(0)
        await session.close()
        with contextlib.suppress(ConnectionError):
            reader, writer = await connecting
            await reader.read()
            writer.close()
