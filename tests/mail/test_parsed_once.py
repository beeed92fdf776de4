"""An arrived message is parsed once, however many parts of the program read it."""

import asyncio

from exporter.core.facts import ArrivedHeaders, Hop
from exporter.core.reasons import Reason
from exporter.mail.mime import parse
from tests.mail.headers.test_hops import received
from tests.support import virtual_time as virtual
from tests.support.calls import calls_of
from tests.support.prober_rig import ProberRig


@virtual.on_a(ProberRig)
async def test_a_trip_parses_its_message_once(rig: ProberRig) -> None:
    """Also when many messages come in one look: a cache of a few would not do."""
    at_once = 10
    rig.sender.on_the_way = lambda raw: received(1) + raw
    with calls_of(parse) as calls:
        outcomes = await asyncio.gather(*(rig.trip() for _ in range(at_once)))
    assert all(outcome.success for outcome in outcomes)
    assert all(any(isinstance(one, Hop) for one in outcome.facts) for outcome in outcomes)
    assert calls.count == at_once


@virtual.on_a(ProberRig)
async def test_a_changed_message_is_parsed_once(rig: ProberRig) -> None:
    rig.sender.on_the_way = lambda raw: raw.replace(b"Prometheus", b"Epimetheus")
    with calls_of(parse) as calls:
        outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.ALTERED
    assert any(isinstance(fact, ArrivedHeaders) for fact in outcome.facts)
    assert calls.count == 1


@virtual.on_a(ProberRig)
async def test_mail_that_cannot_be_ours_is_not_parsed(rig: ProberRig) -> None:
    rig.sender.delay = 60
    with calls_of(parse) as calls:
        trip = asyncio.create_task(rig.trip())
        await asyncio.sleep(10)
        for number in range(20):
            rig.mailbox.deliver(b"Subject: lunch %d\r\n\r\nAt one?\r\n" % number)
        await trip
    assert calls.count == 1
