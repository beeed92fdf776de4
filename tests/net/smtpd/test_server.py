"""The receiver among strangers: what they may use up, what they learn, and what they cannot smuggle
in."""

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.net.smtpd.limits import UNENDED_LINE, Limits
from tests.support.smtp_client import RawClient, served_again
from tests.support.smtp_receiver import NAME, Certificates, receiver, split


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def test_greeting_and_replies_name_no_software() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        replies = await client.dialogue("EHLO test", "HELP", "VRFY monitor", "VRFY \udcff", "QUIT")
        assert client.greeting == "220 mon.test ESMTP"
        assert replies[0].split("\r\n") == [
            "250-mon.test",
            "250-SIZE 1048576",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250 HELP",
        ]
        assert replies[1:] == [
            "214 2.0.0 See RFC 5321",
            *["252 2.5.1 Send a message to find out"] * 2,
            "221 Bye",
        ]


async def test_nobody_can_log_in_with_or_without_tls(certificates: Certificates) -> None:
    async with (
        receiver(tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        _, plain, _ = await client.dialogue("EHLO test", "AUTH PLAIN AGEAYg==", "STARTTLS")
        await client.start_tls(certificates.client_context, NAME)
        offered, encrypted = await client.dialogue("EHLO test", "AUTH PLAIN AGEAYg==")
        assert plain == encrypted == "502 5.5.1 Authentication not supported"
        assert "AUTH" not in offered


async def test_an_error_of_ours_tells_them_nothing_and_goes_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(raw: bytes) -> bool:
        raise ValueError("the secret is 12345")

    async with receiver(broken) as session, RawClient(session.receiver.port) as client:
        await client.until_data()
        assert await client.command(".") == "451 4.3.0 Local error"
        assert "the secret is 12345" in caplog.text
        assert await session.scan() == []


async def test_what_they_say_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.dialogue("EHLO test", "NONSENSE", "RCPT TO:<@>", "MAIL FROM:<a@b>", "QUIT")
        await client.is_cut()
    assert [record for record in caplog.records if record.name != "asyncio"] == []


ENDS_OF_OTHER_SERVERS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n\x00.\r\n",
    b"\n\n.\r\r\n",
]


@pytest.mark.parametrize("end", ENDS_OF_OTHER_SERVERS, ids=ascii)
async def test_only_a_dot_between_two_crlf_ends_a_message(end: bytes) -> None:
    """SMTP smuggling, CVE-2024-27305: what another server takes for the end must not begin a second
    message here."""
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.until_data()
        client.send(
            b"one"
            + end
            + b"MAIL FROM:<forged@lab.test>\r\nRCPT TO:<monitor@mon.test>\r\nDATA\r\ntwo\r\n.\r\n"
        )
        assert await client.reply() == "250 2.6.0 Seen"
        assert await client.command("NOOP") == "250 OK"
        (sighting,) = await session.scan()
        assert split(sighting.raw)[1].startswith(b"one")
        assert sighting.raw.endswith(b"two\r\n")


async def test_commands_behind_starttls_are_not_carried_into_tls(
    certificates: Certificates,
) -> None:
    """STARTTLS injection, CVE-2024-34083."""
    async with (
        receiver(tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.command("EHLO test")
        client.send(
            b"STARTTLS\r\nEHLO forged\r\nMAIL FROM:<forged@lab.test>\r\nRCPT"
            b" TO:<monitor@mon.test>\r\n"
        )
        assert (await client.reply()).startswith("220")
        await client.start_tls(certificates.client_context, NAME)
        assert await client.dialogue("NOOP", "DATA") == ["250 OK", "503 Error: send HELO first"]


async def test_a_session_begins_anew_with_tls(certificates: Certificates) -> None:
    async with (
        receiver(tls=certificates.options) as session,
        RawClient(session.receiver.port) as client,
    ):
        await client.dialogue(
            "EHLO test", "MAIL FROM:<a@lab.test>", "RCPT TO:<monitor@mon.test>", "STARTTLS"
        )
        await client.start_tls(certificates.client_context, NAME)
        _, data, again = await client.dialogue("EHLO test", "DATA", "STARTTLS")
        assert data == "503 Error: need RCPT command"
        assert again == "503 5.5.1 TLS already active"


@settings(
    max_examples=3 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.text(st.sampled_from('ab.@<>[]()"\\:;,= \t\0=?é\u2028'))
    | st.binary().map(lambda raw: raw.decode("latin-1"))
)
def test_nonsense_for_an_address_is_refused_and_nothing_else(address: str) -> None:
    command = address.replace("\n", "").replace("\r", "")

    async def converse() -> None:
        async with receiver() as session, RawClient(session.receiver.port) as client:
            *_, reply = await client.dialogue("EHLO test", "MAIL FROM:<>", f"RCPT TO:{command}")
            assert reply[0] == "5", reply
            assert (await client.command("NOOP")).startswith("250")

    asyncio.run(converse())


async def test_no_more_connections_than_the_cap_and_a_free_place_is_used_again() -> None:
    async with receiver(limits=Limits(connections=2)) as session, AsyncExitStack() as stack:
        port = session.receiver.port
        clients = [await stack.enter_async_context(RawClient(port)) for _ in range(3)]
        assert clients[2].greeting == "421 4.7.0 Too many connections"
        assert await clients[2].is_cut()
        await clients[0].command("QUIT")
        await clients[0].is_cut()
        assert (await stack.enter_async_context(RawClient(port))).greeting == "220 mon.test ESMTP"


async def test_one_address_cannot_take_all_the_places() -> None:
    async with receiver(limits=Limits(per_address=1)) as session, AsyncExitStack() as stack:
        port = session.receiver.port
        greetings = [
            (await stack.enter_async_context(RawClient(port, source=source))).greeting
            for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2")
        ]
        assert greetings[1] == "421 4.7.0 Too many connections from your address"
        assert greetings[0] == greetings[2] == "220 mon.test ESMTP"


async def test_a_silent_client_is_cut_off() -> None:
    async with (
        receiver(limits=Limits(idle=0.05)) as session,
        RawClient(session.receiver.port) as client,
    ):
        assert await client.is_cut()


async def test_a_session_ends_however_busy_it_is() -> None:
    async with (
        receiver(limits=Limits(session=0.2, commands=1_000_000)) as session,
        RawClient(session.receiver.port) as client,
    ):
        while (reply := await client.command("NOOP")) == "250 OK":
            pass
        assert reply == "421 4.4.2 Session time limit exceeded"
        assert await client.is_cut()


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_cut_off() -> None:
    limits = Limits(session=0.5, goodbye=0.1, commands=1_000_000, connections=1)
    async with (
        receiver(limits=limits) as session,
        RawClient(session.receiver.port, receive_buffer=1) as client,
    ):

        async def flood() -> None:
            # until the receiver can write no more, therefore reads no more, and in the end gives
            # up; TCP may take minutes to tell us that
            with contextlib.suppress(ConnectionError):
                while True:
                    client.send(b"EHLO test\r\n" * 10_000)
                    await client.writer.drain()

        assert list(session.receiver.clients)
        flooding = asyncio.create_task(flood())
        await served_again(session.receiver.port)
        flooding.cancel()


async def test_a_line_without_end_is_not_collected() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.until_data()
        client.send(b"\n" * (UNENDED_LINE + 2000))
        assert await client.is_cut()
        assert await session.scan() == []


async def test_a_message_whose_line_ends_are_torn_apart_is_no_line_without_end() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        await client.until_data()
        # The network tears where it likes, so we play the network.
        (connection,) = session.receiver.clients
        for _ in range(UNENDED_LINE // 900 + 1):
            for part in (b"x" * 900 + b"\r", b"\n"):
                connection.data_received(part)
                await asyncio.sleep(0)
        assert await client.command(".") == "250 2.6.0 Seen"


async def test_nonsense_and_repetition_have_an_end() -> None:
    async with receiver(limits=Limits(commands=3)) as session:
        async with RawClient(session.receiver.port) as client:
            *_, last = await client.dialogue("THIS", "IS", "NOT", "AN", "SMTP")
            assert last == "502 5.5.1 Too many unrecognized commands, goodbye."
            assert await client.is_cut()
        async with RawClient(session.receiver.port) as client:
            *_, last = await client.dialogue(*["NOOP"] * 4)
            assert last == "421 4.7.0 NOOP sent too many times"
            assert await client.is_cut()
