"""A hostile IMAP server: whatever it sends, everybody else has their turns, and there is an end to
it."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.imap.reader import attributes
from exporter.net.imap.values import MAX_WORDS, parse
from tests.support.imap_attacker import Ticker, attacked

GENEROUS = 0.5  # seconds; it is milliseconds on a machine that has nothing else to do


def fetched(count: int, content: bytes) -> bytes:
    one = b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n"
    return b"".join(one % (n, n, len(content), content) for n in range(1, count))


ATTACKS: dict[str, tuple[bytes, str]] = {
    "endless greetings": (b"* OK hello\r\n" * 200_000, "more than 32 MiB for one command"),
    "parentheses": (
        (b"* LIST " + b"(" * 39 + b")" * 39 + b" x x\r\n") * 100_000,
        "more than 32 MiB for one command",
    ),
    "parentheses in one line": (b"* 1 FETCH " + b"(" * 900_000 + b"\r\n", ""),
    "parentheses in many lines": ((b"* 1 FETCH (" + b"()" * 2000 + b"\r\n") * 100, ""),
    "a folder that grows": (
        b"".join(b"* %d EXISTS\r\n" % n for n in range(60_000)),
        "more than 32 MiB",
    ),
    "a folder that shrinks": (
        b"* 60000 EXISTS\r\n" + b"* 1 EXPUNGE\r\n" * 60_000,
        "more than 32 MiB",
    ),
    "tiny messages": (fetched(30_000, b"abc"), "more than 32 MiB for one command"),
    "large messages": (fetched(200, b"a\n" * 32_000), ""),
    "quotes": (b'* LIST "' + b'\\"' * 300_000 + b"\r\n", ""),
    "quotes in a message": (b'* 1 FETCH ("' + b'\\"' * 300_000 + b"\r\n", ""),
    "brackets": (b"* FETCH " + b"[" * 300_000 + b"\r\n", ""),
    "blanks and brackets": (b"* LIST () " + b" (A" * 200_000 + b"\r\n", ""),
    "numbers": (b"* SEARCH" + b" 1" * 400_000 + b"\r\n", ""),
    "capabilities": (b"* CAPABILITY" + b" A" * 400_000 + b"\r\n", ""),
    "small capabilities": ((b"* CAPABILITY" + b" A" * 1000 + b"\r\n") * 200, ""),
    "codes": ((b"* OK [" + b"A" * 60_000 + b"\r\n") * 60, ""),
    "nonsense": (b"* (\r\n" * 100_000, "more than 32 MiB for one command"),
    "tiny literals": (
        b"* 1 FETCH (UID 1" + b" X {1}\r\na" * 200_000 + b")\r\n",
        "more than 1,000 literals",
    ),
    "empty literals": (
        b"* 1 FETCH (UID 1" + b" X {0}\r\n" * 200_000 + b")\r\n",
        "more than 1,000 literals",
    ),
    "flags": (
        b"".join(b"* %d FETCH (FLAGS (\\Seen a b c d e))\r\n" % n for n in range(15_000)),
        "",
    ),
    "ranges": (b"* VANISHED (EARLIER) 1:4294967295\r\n" * 5000, ""),
    "no line": (b"a" * 3_000_000, "a line of more than 1024 KiB"),
    "empty lines": (b" \r\n" * 300_000, ""),
    "continuations": (b"+ go on\r\n" * 100_000, ""),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_nothing_that_a_server_says_keeps_others_from_their_turns(name: str) -> None:
    attack, complaint = ATTACKS[name]
    async with attacked(attack) as imap:
        await imap.greeting()
        ticker = Ticker()
        try:
            await imap.simple_command("NOOP")
            assert not complaint or complaint == "more than 32 MiB"
        except ProbeError as error:
            assert error.reason is Reason.PROTOCOL
            assert complaint in error.detail
        finally:
            ticker.stop()
    assert ticker.longest < GENEROUS


async def test_many_responses_are_read_bit_by_bit() -> None:
    async with attacked(b"* OK still here\r\n" * 10_000) as imap:
        await imap.greeting()
        ticker = Ticker()
        assert len((await imap.simple_command("NOOP")).lines) == 10_000
        ticker.stop()
    assert ticker.turns > 50


async def test_what_came_before_the_end_is_read_before_it_is_told() -> None:
    async with attacked(b"* OK still here\r\n" * 5000 + b"* BYE that was all\r\n") as imap:
        await imap.greeting()
        with pytest.raises(ProbeError, match="that was all") as caught:
            await imap.simple_command("NOOP")
        assert caught.value.reason is Reason.DISCONNECTED


async def test_what_nobody_needs_of_a_message_is_not_kept() -> None:
    async with attacked(
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (FLAGS (\\Seen) UID 7)\r\n"
    ) as imap:
        await imap.greeting()
        flags, uid = (await imap.simple_command("NOOP")).lines
    assert flags.values == []
    assert attributes(uid)["UID"] == b"7"


def test_a_response_has_no_more_words_than_anybody_needs() -> None:
    assert len(parse([b"a " * MAX_WORDS], MAX_WORDS)) == MAX_WORDS
    with pytest.raises(Exception, match="too many list elements"):
        parse([b"a " * (MAX_WORDS + 1)], MAX_WORDS)
