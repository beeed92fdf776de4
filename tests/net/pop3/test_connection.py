"""What a conversation with a POP3 server promises, whatever the server does. Each dialogue is a
file to read."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import FrameType

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.pop3.connection import Pop3Connection, converse
from exporter.net.pop3.listing import Listing
from exporter.net.sasl.conversation import Plain
from exporter.net.tcp import connect
from tests.support.imap_conversation import sockets
from tests.support.pop3_conversation import connected, greeted

Doing = Callable[[Pop3Connection], Awaitable[object]]


async def why(dialogue: str, doing: Doing) -> ProbeError:
    """The error that this ends with, after the greeting."""
    async with greeted(dialogue) as here:
        with pytest.raises(ProbeError) as caught:
            await doing(here.pop3)
        return caught.value


@pytest.mark.parametrize(
    ("dialogue", "reason", "code", "detail"),
    [
        (
            "greeting-that-says-no",
            Reason.UNAVAILABLE,
            "SYS/TEMP",
            "[SYS/TEMP] too many connections",
        ),
        (
            "S: -ERR go away\n[may hang up]\n",
            Reason.UNAVAILABLE,
            "",
            "refuses the connection: go away",
        ),
        (
            "another-protocol",
            Reason.PROTOCOL,
            "",
            "pop.test does not speak POP3: 220 mx.example.org ESMTP",
        ),
        ("[close]\n", Reason.DISCONNECTED, "", "pop.test cut the connection"),
        ("[reset]\n", Reason.DISCONNECTED, "", "connection reset by peer"),
    ],
)
async def test_a_greeting_that_is_none_says_why(
    dialogue: str, reason: Reason, code: str, detail: str
) -> None:
    async with connected(dialogue) as here:
        with pytest.raises(ProbeError) as caught:
            await here.pop3.greeting()
        assert (caught.value.reason, caught.value.code) == (reason, code)
        assert detail in caught.value.detail


async def test_a_server_may_write_small_letters() -> None:
    async with greeted("small-letters") as here:
        assert await listed(here.pop3) == {}


async def test_a_login_takes_one_try_and_leaves_no_password() -> None:
    async with greeted("login") as here:
        assert await here.pop3.capa() == {
            "USER": [],
            "TOP": [],
            "LOGIN-DELAY": ["900", "USER"],
            "SASL": ["PLAIN", "XOAUTH2"],
        }
        assert (here.pop3.login_delay, here.pop3.offers_top) == (900, True)
        await here.pop3.user("me", "two words")
        await here.pop3.quit()
        assert "words" not in here.transcript
        assert "C: PASS <secret>" in here.transcript


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        ("[AUTH] wrong password", Reason.AUTH, "AUTH"),
        ("[IN-USE] do you have another session running?", Reason.UNAVAILABLE, "IN-USE"),
        ("[LOGIN-DELAY] wait for 15 minutes", Reason.UNAVAILABLE, "LOGIN-DELAY"),
        ("[SYS/TEMP] the directory does not answer", Reason.UNAVAILABLE, "SYS/TEMP"),
        ("[sys/temp] in small letters", Reason.UNAVAILABLE, "SYS/TEMP"),
        ("[SYS/PERM] POP is not enabled for this account", Reason.REJECTED, "SYS/PERM"),
        ("[X-PRIVATE] no", Reason.AUTH, ""),
        ("no", Reason.AUTH, ""),
    ],
)
async def test_a_refused_login_is_judged_by_its_code(
    answer: str, reason: Reason, code: str
) -> None:
    error = await why(
        f"S: +OK\nC: USER me\nS: +OK\nC: PASS sesame\nS: -ERR {answer}\n",
        lambda p: p.user("me", "sesame"),
    )
    assert (error.reason, error.code) == (reason, code)
    assert (
        error.detail == f"pop.test refuses the login: {answer.replace('[sys/temp]', '[SYS/TEMP]')}"
    )


async def test_a_password_that_the_server_repeats_is_hidden() -> None:
    async with greeted("login-repeated-in-the-error") as here:
        with pytest.raises(ProbeError) as caught:
            await here.pop3.user("me", "sesame")
        assert "sesame" not in f"{caught.value} {here.transcript}"


@pytest.mark.parametrize("password", ["sesame\r\nDELE 1", "sesame\n", "ses\0ame"])
async def test_a_password_cannot_become_a_command(password: str) -> None:
    error = await why("S: +OK\n", lambda p: p.user("me", password))
    assert error.reason is Reason.AUTH


async def test_plain_gives_its_word_when_asked() -> None:
    async with greeted("plain") as here:
        await here.pop3.authenticate(Plain("me", "sesame"))
        assert "AG1l" not in here.transcript


@pytest.mark.parametrize(
    ("dialogue", "reason"),
    [
        ("plain-with-a-strange-challenge", Reason.AUTH),
        ("plain-without-asking", Reason.PROTOCOL),
        ("S: +OK\nC: AUTH PLAIN\nS: -ERR [SYS/TEMP] not now\n", Reason.UNAVAILABLE),
        ("S: +OK\nC: AUTH PLAIN\nS: +\nC: AG1lAHNlc2FtZQ==\nS: -ERR no\n", Reason.AUTH),
    ],
)
async def test_plain_that_goes_wrong_is_no_login(dialogue: str, reason: Reason) -> None:
    error = await why(dialogue, lambda p: p.authenticate(Plain("me", "sesame")))
    assert error.reason is reason


async def listed(pop3: Pop3Connection) -> dict[str, int]:
    """The messages, by unique id."""
    listing = Listing()
    await pop3.uidl(listing)
    return listing.numbers


async def test_unique_ids_are_read() -> None:
    async with greeted("uidl") as here:
        assert await listed(here.pop3) == {
            "whqtswO00WBw418f9t5JxYwZ": 1,
            "with:two-blanks": 2,
            "!\"#$%&'()*+,-./~": 17,
        }


async def test_1500_lines_in_one_go_are_read() -> None:
    async with greeted("uidl-of-1500-messages") as here:
        found = await listed(here.pop3)
        assert [*found.items()][::1499] == [("unique1", 1), ("unique1500", 1500)]


@pytest.mark.parametrize(
    ("dialogue", "reason", "detail"),
    [
        (
            "uidl-not-known",
            Reason.REJECTED,
            "refuses UIDL, which mailtrip needs to identify messages: unknown command",
        ),
        (
            "uidl-that-is-none",
            Reason.PROTOCOL,
            "pop.test answered UIDL with an invalid line: two",
        ),
        ("endless-listing", Reason.PROTOCOL, "pop.test sent more than 8192 KiB for UIDL"),
        (
            "endless-line",
            Reason.PROTOCOL,
            "pop.test does not speak POP3: +OK and so on, and so on,",
        ),
    ],
)
async def test_a_listing_that_is_none_says_why(dialogue: str, reason: Reason, detail: str) -> None:
    error = await why(dialogue, lambda p: p.uidl(Listing()))
    assert error.reason is reason
    assert detail in error.detail


@pytest.mark.parametrize("line", [b"..\r\n", b"\r\n", b".x\n", b"\n.\r.\n"])
async def test_a_million_lines_cost_no_more_than_their_bytes(line: bytes) -> None:
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        await reader.readline()
        writer.write(b"+OK\r\n" + line * 1_000_000 + b".\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        peer = server.sockets[0].getsockname()
        pop3 = await converse(await connect(["127.0.0.1"], peer[1]), "pop.test", lambda line: None)
        await pop3.greeting()
        before = sys.getprofile()
        sys.setprofile(count)
        try:
            reply, raw = await pop3.top(1, 1000, 65536)
        finally:
            sys.setprofile(before)
        pop3.abort()
        await pop3.closed()
    assert (reply.ok, len(raw)) == (True, 65536)
    assert calls < 100_000


async def test_dots_are_taken_away_and_the_lone_one_is_the_end() -> None:
    async with greeted("dots") as here:
        _, raw = await here.pop3.top(1, 1000, 65536)
        assert raw == b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nin. the. middle.\r\n\r\n"
        assert (await here.pop3.retr(2, 65536))[1] == b""
        assert (await here.pop3.top(3, 0, 65536))[1] == b"Subject: next\r\n"


async def test_packets_may_be_cut_anywhere() -> None:
    async with greeted("line-by-line") as here:
        reading = asyncio.ensure_future(here.pop3.top(1, 0, 65536))
        await here.peer.here.wait()
        here.peer.go_on.set()
        assert (await reading)[1] == b".dot\r\n"


async def test_a_line_may_have_any_length_and_only_the_begin_of_a_message_is_kept() -> None:
    async with greeted("line-of-3-mib") as here:
        _, raw = await here.pop3.top(1, 1000, 65536)
        assert raw == b"." * 65536
        assert (await here.pop3.top(2, 0, 65536))[1] == b"next\r\n"


async def test_a_dot_in_the_middle_of_a_line_is_no_end() -> None:
    async with greeted("line-in-pieces") as here:
        reading = asyncio.ensure_future(here.pop3.top(1, 1000, 65536))
        await here.peer.here.wait()
        await asyncio.sleep(0.05)  # until the first piece is read
        here.peer.go_on.set()
        assert (await reading)[1] == b"x" * 5000 + b".\r\n.\r\n"


async def test_a_message_that_is_refused_is_no_end() -> None:
    async with greeted("top-refused") as here:
        replies = [await here.pop3.top(number, 0, 100) for number in (1, 2, 3)]
        assert [(reply.ok, reply.coded, raw) for reply, raw in replies] == [
            (False, False, b""),
            (False, True, b""),
            (True, False, b"fine\r\n"),
        ]


async def test_half_a_message_is_a_lost_connection() -> None:
    error = await why("cut-in-top", lambda p: p.top(1, 0, 100))
    assert (error.reason, error.detail) == (Reason.DISCONNECTED, "pop.test cut the connection")


async def test_a_reset_is_noticed_at_once() -> None:
    async with greeted("reset-in-retr") as here:
        reading = asyncio.ensure_future(here.pop3.retr(1, 100))
        await here.peer.here.wait()
        here.peer.go_on.set()
        with pytest.raises(ProbeError, match="connection reset by peer") as caught:
            await reading
        assert caught.value.reason is Reason.DISCONNECTED
        with pytest.raises(ProbeError):  # and QUIT on a dead connection does not wait either
            await here.pop3.quit()


async def test_an_answer_that_makes_no_sense_is_told() -> None:
    error = await why("nonsense", lambda p: p.retr(1, 100))
    assert (error.reason, error.detail) == (
        Reason.PROTOCOL,
        "pop.test does not speak POP3: Subject: no status line",
    )


async def test_words_out_of_the_blue_are_not_taken_for_an_answer() -> None:
    async with greeted("words-out-of-the-blue") as here:
        here.peer.go_on.set()
        await here.peer.here.wait()
        await asyncio.sleep(0.05)  # until they are here
        with pytest.raises(
            ProbeError, match="unsolicited response from pop.test: \\+OK by the way"
        ) as caught:
            await here.pop3.uidl(Listing())
        assert caught.value.reason is Reason.PROTOCOL


async def test_an_end_between_two_commands_is_told_with_the_servers_words() -> None:
    async with greeted("end-between-two-commands") as here:
        here.peer.go_on.set()
        await here.pop3.closed()
        with pytest.raises(ProbeError, match="Disconnected for inactivity") as caught:
            await here.pop3.uidl(Listing())
        assert caught.value.reason is Reason.DISCONNECTED


async def test_somebody_who_talks_without_end_is_cut_off() -> None:
    async with greeted("flood") as here:
        here.peer.go_on.set()
        await here.pop3.closed()
        assert len(here.pop3._heard) < 2 << 20


@pytest.mark.parametrize(
    ("dialogue", "reason"),
    [
        ("quit-refused", Reason.UNAVAILABLE),
        ("cut-at-quit", Reason.DISCONNECTED),
    ],
)
async def test_without_a_good_quit_nothing_is_deleted(dialogue: str, reason: Reason) -> None:
    async with greeted(dialogue) as here:
        await here.pop3.dele(1)
        with pytest.raises(ProbeError) as caught:
            await here.pop3.quit()
        assert caught.value.reason is reason


async def test_a_cancelled_command_ends_the_connection() -> None:
    before = sockets()
    async with greeted("silence") as here:
        asking = asyncio.ensure_future(here.pop3.uidl(Listing()))
        await here.peer.here.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        with pytest.raises(ProbeError, match="mailtrip closed"):
            await here.pop3.uidl(Listing())
    assert sockets() <= before
