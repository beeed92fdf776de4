"""Only what we signed is touched: forged, foreign, old and doubled tokens in every kind of
mailbox."""

from exporter.mail.tokens import Mint, Rejection, Token, new_key
from tests.support.left_behind import until
from tests.support.mailbox_rig import MailboxRig
from tests.support.mailbox_rigs import every
from tests.support.mailbox_trips import MailboxExporter, running
from tests.support.watcher_rig import message

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
AN_HOUR = 3600.0


def with_word(word: str) -> bytes:
    """A message that has this word in all the places where a token stands."""
    return message(Token(word, "", 0))


def flipped(word: str, place: int) -> str:
    """The word with one bit changed."""
    other = LETTERS[LETTERS.index(word[place]) ^ 1]
    return word[:place] + other + word[place + 1 :]


def signed_by_another(ours: str, theirs: str) -> str:
    """Our instance, time and trip with the signature of another key."""
    half = len("mtrip1") + 24
    return ours[:half] + theirs[half:]


def forgeries(exporter: MailboxExporter) -> dict[str, Rejection | None]:
    """Words that are not ours, and why each is refused; None for what has not even the shape of a
    token."""
    word, other = exporter.token().word, Mint(new_key()).mint(0).word
    return {
        flipped(word, 53): Rejection.BAD_SIGNATURE,
        flipped(word, 25): Rejection.BAD_SIGNATURE,  # in the trip
        flipped(word, 15): Rejection.BAD_SIGNATURE,  # in the time
        signed_by_another(word, other): Rejection.BAD_SIGNATURE,
        flipped(word, 6): Rejection.FOREIGN_INSTANCE,
        other: Rejection.FOREIGN_INSTANCE,
        word[:-1]: None,
        word + "a": None,
        word.replace("mtrip1", "mtrip2"): None,
    }


@every()
async def test_a_forged_token_is_neither_believed_nor_deleted(rig: MailboxRig) -> None:
    async with running(rig) as exporter:
        words = forgeries(exporter)
        async with exporter.trip() as trip:
            taken = await rig.deliver(*(with_word(word) for word in words))
            with_forgeries = rig.kept()
            await rig.deliver(trip.raw)
            await trip.returns()
            reasons = [reason for reason in words.values() if reason]
            await until(lambda: exporter.watcher.statistics.rejected.total() == len(reasons))
        assert taken == (len(words) if rig.keeps else 0)
        assert {
            reason: reasons.count(reason) for reason in reasons
        } == exporter.watcher.statistics.rejected
        assert exporter.watcher.statistics.deleted == 1
        assert exporter.counts.duplicates == 0
    assert rig.kept() == with_forgeries
    assert sum(b"mtrip" in mail.content for mail in with_forgeries) == taken


@every()
async def test_a_token_of_a_trip_that_is_over_is_a_duplicate_whatever_carries_it(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as first:
            await rig.deliver(first.raw)
            await first.returns()
        word = first.token.word.encode()
        quoted = b"Subject: look at this\r\n\r\nSomebody wrote:\r\n> %s\r\n" % word
        answer = b"Subject: Re: mailtrip\r\nIn-Reply-To: <%s@lab.test>\r\n\r\nthank you\r\n" % word
        async with exporter.trip() as second:
            assert await rig.deliver(first.raw, quoted, answer) == 3
            await until(lambda: exporter.watcher.statistics.deleted == 4)
            # An answer is no copy, nor what only quotes the token.
            assert exporter.counts.duplicates == 1
            assert not second.expected.found.done()
            await rig.deliver(second.raw)
            await second.returns()
        assert not exporter.watcher.statistics.rejected
    assert rig.kept() == before


@every()
async def test_a_message_that_is_late_is_counted_with_its_delay_and_deleted(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            pass
        await rig.deliver(trip.raw)
        await until(lambda: exporter.watcher.statistics.deleted == 1)
        (delay,) = exporter.counts.late_ones
        assert delay is None or delay > 0
        assert exporter.counts.duplicates == 0
    assert rig.kept() == before


@every("keeps")
async def test_two_exporters_on_one_mailbox_do_not_touch_each_other_s_messages(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with (
        running(rig) as one,
        running(rig) as other,
        one.trip() as ours,
        other.trip() as theirs,
    ):
        await rig.deliver(theirs.raw, ours.raw)
        await ours.returns()
        await until(lambda: one.watcher.statistics.rejected == {Rejection.FOREIGN_INSTANCE: 1})
        await theirs.returns()
        assert one.watcher.statistics.deleted == other.watcher.statistics.deleted == 1
        assert one.counts.duplicates == other.counts.duplicates == 0
    assert rig.kept() == before


@every("keeps")
async def test_what_another_of_the_same_key_awaits_is_left_alone_for_an_hour(
    rig: MailboxRig,
) -> None:
    before, key = rig.kept(), new_key()
    async with running(rig, key) as exporter:
        fresh, old = exporter.token(), exporter.token(AN_HOUR + 60)
        async with exporter.trip() as trip:
            await rig.deliver(message(fresh), message(old), trip.raw)
            await trip.returns()
            await until(lambda: exporter.watcher.statistics.deleted == 2)
        assert exporter.counts.duplicates == 0
        (left,) = (mail for mail in rig.kept() if mail not in before)
        assert fresh.word.encode() in left.content
        async with running(rig, key) as partner, partner.trip(fresh) as theirs:
            await theirs.returns()
    assert rig.kept() == before


@every()
async def test_a_message_left_over_from_earlier_is_deleted(rig: MailboxRig) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        left_over = message(exporter.token(AN_HOUR + 60))
        if rig.keeps:
            await rig.deliver(left_over)
        async with exporter.trip():
            if not rig.keeps:
                await rig.deliver(left_over)
            await until(lambda: exporter.watcher.statistics.deleted == 1)
    assert rig.kept() == before
