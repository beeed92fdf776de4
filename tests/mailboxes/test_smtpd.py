"""The own receiver as a mailbox: what it takes, what it refuses, and what the watcher sees of
it."""

import asyncio
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.config.types import Listen
from exporter.core.facts import Client
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.wake import Wake
from exporter.mail.tokens import Mint
from exporter.mailboxes.smtpd_options import SmtpdOptions
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import MESSAGE, Certificates, arrival, deliver, receiver
from tests.support.wanting import those


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def occupied() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_two_messages_have_different_refs() -> None:
    async with receiver() as session:
        await deliver(session)
        await deliver(session)
        first, second = await session.scan()
        assert first.ref != second.ref


async def test_one_message_for_several_recipients_is_one_sighting() -> None:
    async with receiver(recipients=["monitor@mon.test", "second@mon.test"]) as session:
        assert await deliver(
            session, to=["monitor@mon.test", "second@mon.test", "third@mon.test"]
        ) == {"third@mon.test": (550, b"5.1.1 No such mailbox here")}
        assert len(await session.scan()) == 1


async def test_dots_and_long_lines_and_eight_bit_bytes_come_through_as_they_are() -> None:
    raw = (
        b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n"
        + b"x" * 998
        + b"\r\n"
        + b"."
        + b"y" * 3000
        + b"\r\n\xff\xe9\x00\r\n"
    )
    async with receiver() as session:
        await deliver(session, raw)
        assert await arrival(session) == raw


async def test_a_bounce_with_its_null_sender_is_taken() -> None:
    async with receiver() as session:
        await deliver(session, sender="")
        assert await arrival(session) == MESSAGE


@pytest.mark.parametrize(
    "address",
    ["MONITOR@mon.test", "monitor@Mon.Test", '"monitor"@mon.test', "@relay.test:monitor@mon.test"],
)
async def test_a_recipient_is_known_in_every_spelling(address: str) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        *_, reply = await client.dialogue("EHLO test", "MAIL FROM:<>", f"RCPT TO:<{address}>")
        assert reply.startswith("250")


@pytest.mark.parametrize(
    "spelling",
    ["überwachung@bücher.test", "überwachung@xn--bcher-kva.test", "ÜBERWACHUNG@BÜCHER.test"],
)
async def test_an_internationalised_recipient_is_known_in_both_spellings_of_its_domain(
    spelling: str,
) -> None:
    async with receiver(recipients=["überwachung@bücher.test"]) as session:
        await deliver(session, to=spelling, options=("SMTPUTF8",))
        assert await arrival(session) == MESSAGE


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("monitor+tag@mon.test", "550 5.1.1 No such mailbox here"),
        ("monitor%evil.test@mon.test", "550 5.1.1 No such mailbox here"),
        ("a@evil.test", "550 5.7.1 Relaying denied"),
        ("@mon.test:a@evil.test", "550 5.7.1 Relaying denied"),
        ("monitor@mon.test.evil.test", "550 5.7.1 Relaying denied"),
        ("monitor", "550 5.7.1 Relaying denied"),
        ("", "550 5.7.1 Relaying denied"),
        ("monitor@mon.test@evil.test", "553 5.1.3 Error: malformed address"),
    ],
)
async def test_everybody_else_is_refused(address: str, reply: str) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        replies = await client.dialogue("EHLO test", "MAIL FROM:<>", f"RCPT TO:<{address}>", "DATA")
        assert replies[2:] == [reply, "503 Error: need RCPT command"]


PART = Mint(b"k" * 32).mint(0).address_part


@pytest.mark.parametrize(
    ("recipient", "address", "accepted"),
    [
        ("monitor@mon.test", f"monitor+{PART}@mon.test", True),
        ("monitor@mon.test", f"Monitor+{PART.upper()}@MON.test", True),
        ("monitor+{trip}@mon.test", f"monitor+{PART}@mon.test", True),
        ("monitor-{trip}@mon.test", f"monitor-{PART}@mon.test", True),
        ("monitor@mon.test", f"monitor-{PART}@mon.test", False),
        ("monitor@mon.test", f"other+{PART}@mon.test", False),
        ("monitor@mon.test", f"monitor+{PART[:-1]}@mon.test", False),
        ("monitor+{trip}@mon.test", "monitor@mon.test", False),
        ("monitor@mon.test", "monitor+{trip}@mon.test", False),
    ],
    ids=[
        *("subaddress", "in any case", "as written", "another separator"),
        *("separator that is not written", "another mailbox", "too short"),
        *("without a trip", "no trip but its place"),
    ],
)
async def test_the_address_of_a_trip_is_known_by_its_form(
    recipient: str, address: str, accepted: bool
) -> None:
    async with (
        receiver(recipients=[recipient]) as session,
        RawClient(session.receiver.port) as client,
    ):
        *_, reply = await client.dialogue("EHLO test", "MAIL FROM:<>", f"RCPT TO:<{address}>")
        assert reply.startswith("250") is accepted


async def test_a_receiver_writes_down_for_whom_a_message_is() -> None:
    """If it is the address of a trip: a bounce may name it nowhere else."""
    async with receiver() as session:
        await deliver(session, to=f"monitor+{PART}@mon.test")
        (sighting,) = await session.scan()
        assert f"\r\n\tfor <monitor+{PART}@mon.test>;\r\n".encode() in sighting.raw


async def test_a_message_that_would_be_thrown_away_is_refused() -> None:
    async with receiver(wanted=those(lambda raw: b"token" in raw)) as session:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            await deliver(session, b"Subject: advertisement\r\n\r\n")
        assert refusal.value.smtp_code == 550
        assert (
            refusal.value.smtp_error == b"5.7.1 This address accepts only messages of this mailtrip"
        )
        await deliver(session, b"Subject: token\r\n\r\n")
        assert await arrival(session) == b"Subject: token\r\n\r\n"


async def test_a_message_that_is_too_large_is_refused_when_it_is_announced_and_when_it_is_not() -> (
    None
):
    async with (
        receiver(max_message_size=1000) as session,
        RawClient(session.receiver.port) as client,
    ):
        _, announced = await client.dialogue("EHLO test", "MAIL FROM:<> SIZE=1001")
        await client.until_data()
        unannounced = await client.command("x" * 900 + "\r\n" + "x" * 900 + "\r\n.")
        assert (announced[:3], unannounced[:3]) == ("552", "552")
        await client.until_data()
        assert await client.command("small\r\n.") == "250 2.6.0 Seen"
        assert await arrival(session) == b"small\r\n"


async def test_waiting_ends_when_a_message_comes() -> None:
    async with receiver() as session:
        waiting = asyncio.create_task(session.wait(600, Wake()))
        await deliver(session)
        await waiting
        assert len(await session.scan()) == 1
        with pytest.raises(TimeoutError):  # what was scanned is no news
            async with asyncio.timeout(0.05):
                await session.wait(600, Wake())


async def test_waiting_ends_at_once_when_a_message_has_come_before() -> None:
    async with receiver() as session:
        await deliver(session)
        await session.wait(600, Wake())


async def test_an_address_in_use_is_named(occupied: int) -> None:
    with pytest.raises(
        ProbeError, match=r"^connect: cannot listen on 127\.0\.0\.1:[0-9]+: address already in use$"
    ) as error:
        async with receiver(listen=f"127.0.0.1:{occupied}"):
            pass
    assert error.value.reason is Reason.CONNECT


@pytest.mark.parametrize(
    ("listen", "problem"),
    [
        ("192.0.2.1:2525", "cannot assign requested address"),
        ("a..b:1", "not a host name"),
    ],
)
async def test_an_address_that_is_not_ours_is_named(listen: str, problem: str) -> None:
    with pytest.raises(ProbeError, match=f"^connect: cannot listen on {listen}: {problem}$"):
        async with receiver(listen=listen):
            pass


async def test_closing_says_goodbye_frees_the_address_and_keeps_what_was_accepted() -> None:
    async with (
        receiver() as session,
        RawClient(session.receiver.port) as idle,
        RawClient(session.receiver.port) as busy,
    ):
        port = session.receiver.port
        await deliver(session)
        await busy.until_data()
        busy.send(b"half a message\r\n")
        await session.close()
        assert await idle.reply() == await busy.reply() == "421 4.3.2 Shutting down"
        assert await idle.is_cut()
        assert await busy.is_cut()
        assert len(await session.scan()) == 1
        async with receiver(listen=f"127.0.0.1:{port}") as successor:
            await deliver(successor)
            assert len(await successor.scan()) == 1


async def test_aborting_cuts_every_connection_and_may_be_done_twice() -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        port = session.receiver.port
        session.abort()
        session.abort()
        assert await client.is_cut()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_files_that_are_no_certificate_keep_it_closed(certificates: Certificates) -> None:
    certificates.key_file.write_text("nonsense")
    with pytest.raises(
        ProbeError,
        match=r"^tls: cannot use .*receiver\.crt with .*receiver\.key: not a certificate",
    ):
        async with receiver(tls=certificates.options):
            pass


@pytest.mark.parametrize(
    "recipient",
    [
        "monitor",
        "@mon.test",
        "monitor@",
        "a b@mon.test",
        "<a@mon.test>",
        "a@b@mon.test",
        "a@mon.test\n",
        "a,b@c",
    ],
)
def test_a_recipient_that_is_no_address_is_a_mistake(recipient: str) -> None:
    with pytest.raises(ValidationError, match="e-mail address"):
        SmtpdOptions(listen=Listen("127.0.0.1:2525"), recipients=[recipient])


@pytest.mark.parametrize(
    "parameters",
    [
        "SIZE=1459 AUTH=<>",  # sendmail, vCenter (mailrise, issue 98)
        "SIZE=1459 XOORG=example.onmicrosoft.com",  # Exchange Online (aiosmtpd, issue 299)
        "RET=HDRS ENVID=QQ314159 BODY=8BITMIME",  # RFC 3461 (aiosmtpd, issue 367)
        "X-ODD=1 MT-PRIORITY=3 REQUIRETLS",
    ],
)
async def test_parameters_that_nobody_offered_are_passed_over(parameters: str) -> None:
    async with receiver() as session, RawClient(session.receiver.port) as client:
        recipient = (
            "RCPT TO:<monitor@mon.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;monitor@mon.test"
        )
        replies = await client.dialogue(
            "EHLO a", f"MAIL FROM:<a@lab.test> {parameters}", recipient, "DATA"
        )
        assert [reply[:3] for reply in replies] == ["250", "250", "250", "354"]
        assert await client.command("Subject: x\r\n\r\n.") == "250 2.6.0 Seen"


async def test_parameters_that_are_offered_still_count() -> None:
    async with (
        receiver(max_message_size="64KiB") as session,
        RawClient(session.receiver.port) as client,
    ):
        replies = await client.dialogue(
            "EHLO a", "MAIL FROM:<a@lab.test> XOORG=x SIZE=70000", "MAIL FROM:<a@b.test> BODY=x"
        )
        assert [reply[:3] for reply in replies] == ["250", "552", "501"]


async def test_the_client_of_a_message_is_known() -> None:
    async with receiver() as session:
        await deliver(session, sender="A@lab.test")
        await deliver(session, sender="")
        clients = [sighting.client for sighting in await session.scan()]
        assert clients == [
            Client("127.0.0.1", "test.lab.test", "A@lab.test"),
            Client("127.0.0.1", "test.lab.test", ""),
        ]


async def test_the_tls_of_a_client_is_known(certificates: Certificates) -> None:
    async with receiver(tls=certificates.options) as session:

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", session.receiver.port) as client:
                client.starttls(context=certificates.client_context)
                client.sendmail("a@lab.test", "monitor@mon.test", MESSAGE)

        await asyncio.to_thread(send)
        (sighting,) = await session.scan()
        assert sighting.client
        assert sighting.client.tls_version == "TLSv1.3"
        assert sighting.client.tls_cipher.startswith("TLS_")


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("proxy.example.org", "not a network; write one such as 192.0.2.0/24"),
        ("192.0.2.5/24", "the address has host bits set; write 192.0.2.0/24"),
        ("0.0.0.0/0", "covers all addresses: write those that it means"),
        ("::/0", "covers all addresses"),
        ("::ffff:0:0/96", "covers all addresses"),
        ("fe80::1%eth0", "write the address without its zone"),
    ],
)
def test_proxies_are_named_by_address(network: str, words: str) -> None:
    given = {"listen": Listen("127.0.0.1:0"), "recipients": ["a@mon.test"]}
    for good in ("192.0.2.5", "192.0.2.0/24", "2001:db8::/32", "2001:db8::5"):
        SmtpdOptions.model_validate({**given, "proxy_protocol": [good]})
    with pytest.raises(ValidationError, match=words):
        SmtpdOptions.model_validate({**given, "proxy_protocol": [network]})
