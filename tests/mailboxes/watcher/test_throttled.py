"""A mailbox whose server wants no more requests, once the message was sent: most of the time nobody
may look, and that is not the delivery's fault."""

from collections.abc import Callable

from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import ScanLimited, Sighting
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.prober_rig import ProberRig

PAUSE = 3600.0


class ThrottledMailbox(PretendMailbox):
    """It may be looked into for so many seconds."""

    patience = 0.0

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> "ThrottledSession":
        await super().open(trace, wanted)
        return ThrottledSession(self, trace, trace.now() + self.patience)


class ThrottledSession(PretendSession, ScanLimited):
    last_scan_at = float("-inf")
    scan_limit = "the server asked to wait 3600 s (Retry-After)"

    def __init__(self, mailbox: ThrottledMailbox, trace: Trace, until: float) -> None:
        super().__init__(mailbox, trace)
        self._until = until

    @property
    def next_scan_at(self) -> float:
        return self._until + PAUSE if self._trace.now() > self._until else 0.0

    async def scan(self) -> list[Sighting]:
        if self._trace.now() < self.next_scan_at:
            return []
        self.last_scan_at = self._trace.now()
        return await super().scan()


def failure_of(patience: float) -> tuple[Reason, str, bool | None]:
    """Of a trip of 100 s whose message does not come."""

    async def course() -> tuple[Reason, str, bool | None]:
        mailbox = ThrottledMailbox()
        mailbox.patience = patience
        rig = ProberRig(mailbox=mailbox)
        rig.probe.timeout, rig.sender.delay = 100.0, None
        failure = (outcome := await rig.trip()).failure
        await rig.close()
        assert failure
        return failure.reason, failure.detail, outcome.legs.get(Leg.DELIVERY)

    return virtual.run(course())


def test_a_server_that_was_not_asked_for_most_of_the_time_is_to_blame() -> None:
    reason, detail, delivery = failure_of(10.0)
    assert (reason, delivery) == (Reason.UNAVAILABLE, None)
    assert detail.startswith("mailbox monitor could not be polled for 9")
    assert "asked to wait 3600 s (Retry-After)" in detail


def test_a_message_that_did_not_come_while_it_was_asked_is_overdue() -> None:
    reason, _, delivery = failure_of(95.0)
    assert (reason, delivery) == (Reason.OVERDUE, False)
