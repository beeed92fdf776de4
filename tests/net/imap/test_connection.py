"""What a conversation with an IMAP server promises, whatever the server does. Each dialogue is a
file to read.

Many of them are what aioimaplib 2.0.3 does not stand: a lost connection that looks like a time-out,
a recursion, a response that swallows another one.
"""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.wake import Wake
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.reader import Response, attributes
from tests.support.imap_conversation import connected, greeted, sockets


async def push(imap: ImapConnection) -> Response:
    """The next unsolicited response."""
    wake = Wake()
    with imap.calling(wake.ring):
        while not (response := imap.pushed()):
            await wake.sleep(60)
    return response


async def test_a_reset_while_idling_is_noticed_at_once() -> None:
    async with greeted("reset-while-idling", select=True) as here:
        assert await here.imap.idle()
        pushed = asyncio.ensure_future(push(here.imap))
        await here.peer.here.wait()
        here.peer.go_on.set()
        with pytest.raises(
            ProbeError, match="imap.test cut the connection: connection reset"
        ) as caught:
            await pushed
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_bye_instead_of_idling_is_told_with_the_servers_words() -> None:
    async with greeted("bye-instead-of-idling", select=True) as here:
        with pytest.raises(ProbeError, match="maintenance until noon") as caught:
            await here.imap.idle()
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_reset_instead_of_an_answer_is_a_lost_connection_and_no_time_out() -> None:
    async with greeted("reset-instead-of-an-answer") as here:
        with pytest.raises(ProbeError) as caught:
            await here.imap.simple_command("NOOP")
        assert caught.value.reason is Reason.DISCONNECTED
        with pytest.raises(
            ProbeError
        ) as caught:  # and LOGOUT on a dead connection does not wait either
            await here.imap.logout()
        assert caught.value.reason is Reason.DISCONNECTED


async def test_half_a_message_is_a_lost_connection() -> None:
    async with greeted("end-in-the-middle-of-a-literal", select=True) as here:
        with pytest.raises(ProbeError, match="cut the connection") as caught:
            await here.imap.uid("FETCH", "1", "(BODY.PEEK[])")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_bye_between_two_commands_is_the_next_ones_error() -> None:
    async with greeted("bye-between-two-commands") as here:
        await here.imap.simple_command("NOOP")
        await here.imap.closed()
        with pytest.raises(
            ProbeError, match="imap.test closed the session: Disconnected for inactivity"
        ) as caught:
            await here.imap.simple_command("NOOP")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_bye_as_greeting_is_a_server_that_is_unavailable_for_the_reason_it_tells() -> None:
    async with connected("bye-in-the-greeting") as here:
        with pytest.raises(ProbeError, match="too many users, come back later") as caught:
            await here.imap.greeting()
        assert caught.value.reason is Reason.UNAVAILABLE


async def test_a_bye_right_after_the_greeting_keeps_its_words() -> None:
    async with greeted("preauth-and-bye-in-one-breath") as here:
        with pytest.raises(ProbeError, match="shutting down"):
            await here.imap.simple_command("NOOP")


async def test_another_protocol_is_called_by_its_first_words() -> None:
    async with connected("smtp-greeting") as here:
        with pytest.raises(ProbeError, match="not IMAP: 220 mx.example.org ESMTP") as caught:
            await here.imap.greeting()
        assert caught.value.reason is Reason.PROTOCOL


async def test_an_end_before_the_greeting_is_a_lost_connection() -> None:
    async with connected("[close]\n") as here:
        with pytest.raises(ProbeError) as caught:
            await here.imap.greeting()
        assert caught.value.reason is Reason.DISCONNECTED


async def test_a_greeting_that_never_comes_costs_no_socket() -> None:
    before = sockets()
    for _ in range(5):
        async with connected("# silence\n[here]\n") as here:
            greeting = asyncio.ensure_future(here.imap.greeting())
            await here.peer.here.wait()
            greeting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await greeting
    assert sockets() <= before


async def test_1500_responses_in_one_go_are_read() -> None:
    async with greeted("fetch-of-1500-lines", select=True) as here:
        reply = await here.imap.fetch("1:1500", "(UID)")
        assert [attributes(line)["UID"] for line in reply.data("FETCH")][::1499] == [b"1", b"1500"]


async def test_the_library_asks_for_no_charset_and_a_cancelled_search_ends_the_connection() -> None:
    async with greeted("cancelled-search", select=True) as here:
        search = asyncio.ensure_future(here.imap.search("DELETED", charset=None, by_uid=True))
        await here.peer.here.wait()
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        with pytest.raises(ProbeError, match="mailtrip closed"):
            await here.imap.search("DELETED", charset=None, by_uid=True)
        await here.imap.closed()


async def test_one_command_at_a_time() -> None:
    async with greeted("cancelled-search", select=True) as here:
        search = asyncio.ensure_future(here.imap.search("DELETED", charset=None, by_uid=True))
        await here.peer.here.wait()
        with pytest.raises(RuntimeError, match="NOOP is out of order"):
            await here.imap.simple_command("NOOP")
        here.imap.abort()
        with pytest.raises(ProbeError):
            await search


async def test_a_folder_keeps_its_star_and_a_name_may_be_a_literal() -> None:
    async with greeted("list-with-a-star") as here:
        reply = await here.imap.simple_command("LIST", '""', '"*"')
        assert [line.values for line in reply.data("LIST")] == [
            [[b"\\HasNoChildren"], b"/", b"a* b"],
            [[], None, b'c" d'],
        ]


async def test_news_in_the_middle_of_a_fetch_are_kept_apart() -> None:
    async with greeted("exists-in-the-middle-of-a-fetch", select=True) as here:
        reply = await here.imap.fetch("1:2", "(ENVELOPE)")
        assert [(line.name, line.number) for line in reply.lines] == [
            ("FETCH", 1),
            ("EXISTS", 3),
            ("FETCH", 2),
        ]


@pytest.mark.parametrize(
    ("dialogue", "detail"),
    [
        ("tag-of-nobody", "sent a reply with an unknown tag"),
        ("continuation-instead-of-an-answer", "unexpected continuation request from .* after NOOP"),
    ],
)
async def test_an_answer_without_sense_fails_at_once(dialogue: str, detail: str) -> None:
    async with greeted(dialogue) as here:
        with pytest.raises(ProbeError, match=detail) as caught:
            await here.imap.simple_command("NOOP")
        assert caught.value.reason is Reason.PROTOCOL


async def test_a_second_answer_is_not_taken_for_the_next_commands() -> None:
    async with greeted("answered-twice") as here:
        assert (await here.imap.simple_command("NOOP")).result == "OK"
        with pytest.raises(ProbeError, match="unknown tag"):
            await here.imap.simple_command("NOOP")


async def test_small_letters_are_understood() -> None:
    async with greeted("small-letters") as here:
        assert "IDLE" in await here.imap.capability()
        reply = await here.imap.select("INBOX")
        assert [(line.name, line.number, line.code) for line in reply.data("SELECT")] == [
            ("EXISTS", 2, ""),
            ("OK", 0, "UIDNEXT"),
        ]


@pytest.mark.parametrize(
    "dialogue", ["bare-status", "braces-at-the-end-of-a-text", "continuation-out-of-the-blue"]
)
async def test_an_odd_but_harmless_server_is_borne_with(dialogue: str) -> None:
    async with greeted(dialogue) as here:
        assert (await here.imap.simple_command("NOOP")).result == "OK"


async def test_an_endless_line_is_not_kept() -> None:
    async with greeted("endless-line") as here:
        with pytest.raises(ProbeError, match="a line of more than 1024 KiB") as caught:
            await here.imap.simple_command("NOOP")
        assert caught.value.reason is Reason.PROTOCOL


async def test_a_flood_of_small_responses_is_stopped() -> None:
    async with greeted("flood") as here:
        with pytest.raises(ProbeError, match="more than 32 MiB for one command"):
            await here.imap.simple_command("NOOP")


async def test_a_gigantic_literal_is_not_waited_for() -> None:
    async with greeted("endless-literal", select=True) as here:
        with pytest.raises(ProbeError, match="a response of more than 16 MiB"):
            await here.imap.uid("FETCH", "1", "(BODY.PEEK[])")


async def test_logout_may_be_answered_with_a_good_bye() -> None:
    async with greeted("bye-after-logout") as here:
        assert (await here.imap.logout()).result == "OK"


async def test_nothing_that_comes_around_idling_is_lost() -> None:
    async with greeted("idle", select=True) as here:
        assert await here.imap.idle()
        pushed = [await push(here.imap) for _ in range(3)]
        assert [(line.name, line.number) for line in pushed] == [
            ("EXISTS", 1),
            ("OK", 0),
            ("EXISTS", 2),
        ]
        assert [(line.name, line.number) for line in await here.imap.done()] == [("EXISTS", 3)]
        assert (await here.imap.simple_command("NOOP")).result == "OK"


async def test_a_server_may_refuse_to_let_us_idle() -> None:
    async with greeted("idle-refused", select=True) as here:
        assert not await here.imap.idle()
        assert (await here.imap.simple_command("NOOP")).result == "OK"


async def test_a_server_may_end_the_idling() -> None:
    async with greeted("idle-ended-by-the-server", select=True) as here:
        assert await here.imap.idle()
        assert (await push(here.imap)).name == "OK"
        assert await here.imap.done() == []
        assert (await here.imap.simple_command("NOOP")).result == "OK"
