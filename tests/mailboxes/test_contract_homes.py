"""What every mailbox promises to a trip whose message does not come back, with answers and
notifications in real mailboxes."""

import pytest

from exporter.core.home import Home
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mail.composition import compose
from exporter.mail.message import FoundIn
from exporter.mail.tokens import Token
from tests.support.answers import report, silent_vacation, vacation
from tests.support.left_behind import until
from tests.support.mailbox_rig import MailboxRig
from tests.support.mailbox_rigs import every
from tests.support.mailbox_trips import running


def sent(token: Token) -> bytes:
    """The message, with an address of its trip alone."""
    sender = f"probe+{token.address_part}@example.org"
    return compose(token, sender, "someone@example.org", token.minted_at).raw


@every()
async def test_an_answer_is_found_by_its_token_or_by_its_address_and_deleted(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        for make, place in ((vacation, FoundIn.REFERENCES), (silent_vacation, FoundIn.RECIPIENT)):
            async with exporter.trip(home=Home.REPLY) as trip:
                raw = sent(trip.token)
                await rig.deliver(raw, make(raw, trip.token.minted_at))
                found = await trip.returns()
                assert (found.token, found.found_in) == (trip.token, place)
        await until(lambda: exporter.watcher.statistics.deleted == 4)
        assert exporter.counts.duplicates == 0, "the message itself is none"
    assert rig.kept() == before


@every()
async def test_a_notification_of_the_delivery_is_found_and_a_second_one_is_a_duplicate(
    rig: MailboxRig,
) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip(home=Home.DELIVERY_STATUS) as trip:
            told = report(sent(trip.token), trip.token.minted_at, original=False)
            await rig.deliver(told, told)
            found = await trip.returns()
            assert found.status is not None
            assert found.status.action == "delivered"
            await until(lambda: exporter.watcher.statistics.deleted == 2)
        assert exporter.counts.duplicates == 1
    assert rig.kept() == before


@every()
async def test_a_bounce_without_the_original_is_found_by_its_address(rig: MailboxRig) -> None:
    before = rig.kept()
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            raw = report(sent(trip.token), trip.token.minted_at, "failed", original=False)
            assert trip.token.word.encode() not in raw
            await rig.deliver(raw)
            with pytest.raises(ProbeError) as caught:
                await trip.returns()
            assert (caught.value.reason, caught.value.code) == (Reason.BOUNCED, "5.1.1")
        await until(lambda: exporter.watcher.statistics.deleted == 1)
    assert rig.kept() == before


@every()
async def test_other_mail_to_the_address_of_a_trip_is_left_alone(rig: MailboxRig) -> None:
    async with running(rig) as exporter:
        async with exporter.trip() as trip:
            to = f"probe+{trip.token.address_part}@example.org"
            offer = f"From: shop@example.net\r\nTo: {to}\r\nSubject: Offer\r\n\r\nBuy.\r\n"
            taken = await rig.deliver(offer.encode())
            with_offer = rig.kept()
            raw = sent(trip.token)
            await rig.deliver(raw)
            await trip.returns()
        assert exporter.watcher.statistics.deleted == 1
    assert taken == (1 if rig.keeps else 0)
    assert rig.kept() == with_offer
