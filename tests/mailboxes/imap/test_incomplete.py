"""A server may show a message before all of it is there; and it may show it under no name, or
another's."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.imap.incomplete import MOST, IncompleteMessages
from exporter.mailboxes.session import Sighting
from tests.support.fast_forward import fast_forward
from tests.support.imap_shower import UID, Shown, awaited, fetched


def first(early: Shown) -> Shown:
    return lambda asked, raw: early(asked, raw) if asked == 1 else fetched(raw)


EARLY: dict[str, Shown] = {
    "one byte": lambda _, raw: fetched(raw[:1]),
    "a piece of a line": lambda _, raw: fetched(raw[:60]),
    "a piece of the header": lambda _, raw: fetched(raw[: raw.index(b"\n", 10) + 1]),
    "the header": lambda _, raw: fetched(raw[: raw.index(b"\r\n\r\n") + 4]),
    "no line of the text more": lambda _, raw: fetched(raw[: raw.rindex(b"\r\n", 0, -2) + 2]),
    "a piece of the text": lambda _, raw: fetched(raw[:-30]),
    "an empty line": lambda _, raw: fetched(b"\r\n"),
    "no UID": lambda _, raw: fetched(raw, None),
    "another UID": lambda _, raw: fetched(raw, UID + 40),
    "a piece with another UID": lambda _, raw: fetched(raw[:60], UID + 40),
    "a lower UID": lambda _, raw: fetched(raw, UID - 1),
}


@pytest.mark.parametrize("name", EARLY)
@fast_forward
async def test_a_message_that_is_whole_when_it_is_read_again_is_found_and_deleted(
    name: str,
) -> None:
    async with asyncio.timeout(20), awaited(first(EARLY[name])) as (expected, server, run):
        found = await expected.arrival()
        assert found.sighting.raw.endswith(b"\r\n")
        assert found.sighting.ref.uid == UID
        assert found.sighting.delay_since(run.accepted, run.clock) is not None
        await expected.delete()
        assert server.expunged == [b"EXPUNGE %d" % UID]


@pytest.mark.slow
async def test_what_stays_incomplete_is_taken_as_it_is() -> None:
    async with (
        asyncio.timeout(20),
        awaited(lambda _, raw: fetched(raw[:-30])) as (expected, _, run),
    ):
        found = await expected.arrival()
        assert not found.sighting.raw.endswith(b"\r\n")
        assert "-- a message in INBOX seems incomplete; reading it again" in "\n".join(
            run.transcript
        )


@pytest.mark.slow
async def test_a_server_that_never_tells_a_uid_is_said_to() -> None:
    async with (
        asyncio.timeout(30),
        awaited(lambda _, raw: fetched(raw, None)) as (expected, _, run),
    ):
        while "without the UID" not in str(expected.overdue()):
            await asyncio.sleep(0.05)
        told = expected.overdue()
    assert told.reason is Reason.PROTOCOL
    assert told.detail.startswith(
        "127.0.0.1 sent FETCH responses without the UID (RFC 9051, 7.5.2)"
    )
    assert isinstance(told, ProbeError)
    assert run.transcript


def test_each_pause_is_longer_than_the_one_before_and_there_is_an_end() -> None:
    look, one, now, pauses = (
        IncompleteMessages(),
        Sighting("a", "INBOX", b"x", 1.0, True),
        1000.0,
        [],
    )
    while look.take(one, 5, now):
        pauses.append(look.seconds(now))
        assert look.due(now, "INBOX") == []
        assert look.due(now, "INBOX", all_of_them=True) == [one]
        now += look.seconds(now)
        assert look.due(now, "Junk") == []
        (one,) = look.read(look.due(now, "INBOX"), [])
    assert pauses == [0.25, 0.5, 1.0, 2.0]
    assert look.seconds(now) == float("inf")


def test_only_so_many_are_read_again_at_a_time() -> None:
    look = IncompleteMessages()
    assert [look.take(Sighting(n, "INBOX", b"", 1.0, True), 5, 0.0) for n in range(MOST + 1)] == [
        True
    ] * MOST + [False]
