"""A closer look at the message of a trip: all of a long one, and the tab of the inbox."""

from functools import partial

from exporter.core.facts import Alteration, Altered, InboxTab
from exporter.core.model import Outcome, ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.session import READ_LIMIT
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig

OWN = partial(ProberRig, body="Dear customer", html="<p>Hello</p>", size=2 * READ_LIMIT)


def altered(outcome: Outcome) -> list[Alteration]:
    return [fact for fact in outcome.facts if isinstance(fact, Alteration)]


def tabs(outcome: Outcome) -> list[str]:
    return [fact.tab for fact in outcome.facts if isinstance(fact, InboxTab)]


@virtual.on_a(OWN)
async def test_a_long_message_with_own_content_is_read_as_a_whole(rig: ProberRig) -> None:
    rig.mailbox.read_limit = READ_LIMIT
    assert (await rig.trip()).failure is None
    assert rig.mailbox.wholes == 1
    rig.sender.on_the_way = lambda raw: raw.replace(b"<p>Hello</p>", b"<p>Goodbye</p>")
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.ALTERED
    assert altered(outcome) == [Alteration("html", Altered.CHANGED)]
    assert rig.mailbox.messages == {}


@virtual.on_a(partial(ProberRig, size=2 * READ_LIMIT))
async def test_a_long_message_with_our_text_is_not_read_as_a_whole(rig: ProberRig) -> None:
    rig.mailbox.read_limit = READ_LIMIT
    assert (await rig.trip()).failure is None
    assert rig.mailbox.wholes == 0


@virtual.on_a(ProberRig)
async def test_the_tab_of_the_inbox_is_a_fact_where_the_mailbox_tells_it(rig: ProberRig) -> None:
    assert tabs(await rig.trip()) == []
    rig.mailbox.tab = "promotions"
    outcome = await rig.trip()
    assert (outcome.failure, tabs(outcome)) == (None, ["promotions"])


@virtual.on_a(ProberRig)
async def test_a_mailbox_that_does_not_tell_the_tab_fails_no_trip(rig: ProberRig) -> None:
    rig.mailbox.tab = ProbeError(Reason.PROTOCOL, "BAD Could not parse command")
    outcome = await rig.trip()
    assert (outcome.failure, tabs(outcome)) == (None, [])
    assert any("the tab of a message is unknown" in line for line in outcome.transcript)
    assert rig.mailbox.messages == {}
