"""A POP3 server that allows few logins (LOGIN-DELAY): nobody may look, and that is not the
delivery's fault."""

from collections.abc import Awaitable, Callable

import pytest

from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.report import lines
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import ScanLimited, Sighting
from exporter.settings import Settings
from tests.support import virtual_time as virtual
from tests.support.imap_server import playing
from tests.support.pop3_conversation import script
from tests.support.pop3_rig import opened
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.prober_rig import ProberRig

SOON = script("login-delay").partition("[next connection]")[0]
EMPTY = "[login]\nC: UIDL\nS: +OK\nS: .\n[quit]\n"


class RationedMailbox(PretendMailbox):
    """It may be looked into every 60 seconds."""

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> "RationedSession":
        await super().open(trace, wanted)
        return RationedSession(self, trace)


class RationedSession(PretendSession, ScanLimited):
    last_scan_at = float("-inf")
    scan_limit = "the server allows one login every 60 s (LOGIN-DELAY)"

    @property
    def next_scan_at(self) -> float:
        return self.last_scan_at + 60

    async def scan(self) -> list[Sighting]:
        if self._trace.now() < self.next_scan_at:
            return []
        self.last_scan_at = self._trace.now()
        return await super().scan()


def on_a_rationed_mailbox(course: Callable[[ProberRig], Awaitable[None]]) -> None:
    async def with_rig() -> None:
        rig = ProberRig(mailbox=RationedMailbox())
        await course(rig)
        await rig.close()

    virtual.run(with_rig())


def test_a_server_that_allows_no_second_look_in_time_is_to_blame_and_not_the_delivery() -> None:
    async def course(rig: ProberRig) -> None:
        rig.probe.timeout = 40.0
        outcome = await rig.trip()
        assert outcome.failure
        assert (outcome.failure.phase, outcome.failure.reason) == (
            Phase.DELIVER,
            Reason.UNAVAILABLE,
        )
        assert outcome.failure.code == "LOGIN-DELAY"
        assert (
            outcome.failure.detail
            == "mailbox monitor could not be polled after the message was sent: the server"
            " allows one login every 60 s (LOGIN-DELAY); `timeout` must be longer than that"
        )
        assert outcome.legs == {Leg.MAILBOX: False, Leg.SEND: True}

    on_a_rationed_mailbox(course)


def test_a_message_that_is_not_there_at_the_second_look_is_overdue() -> None:
    async def course(rig: ProberRig) -> None:
        rig.probe.timeout = 100.0
        rig.sender.delay = None
        outcome = await rig.trip()
        assert outcome.failure
        assert outcome.failure.reason is Reason.OVERDUE
        assert outcome.legs[Leg.DELIVERY] is False

    on_a_rationed_mailbox(course)


def test_a_message_that_is_there_at_the_second_look_has_come() -> None:
    async def course(rig: ProberRig) -> None:
        rig.probe.timeout = 100.0
        assert (await rig.trip()).success

    on_a_rationed_mailbox(course)


@pytest.mark.parametrize(
    ("dialogue", "options", "seconds", "words"),
    [
        (SOON, {}, 60, "the server allows one login every 60 s (LOGIN-DELAY)"),
        (EMPTY, {"poll_interval": "5m"}, 300, "`poll_interval` allows one login every 300 s"),
    ],
)
async def test_a_pop3_session_says_who_allows_how_much(
    dialogue: str, options: dict[str, object], seconds: float, words: str
) -> None:
    async with opened(dialogue, **options) as (session, _):
        assert (session.last_scan_at, session.next_scan_at, session.scan_limit) == (
            1000,
            1000 + seconds,
            words,
        )
        await session.close()


async def test_before_a_trip_is_overdue_a_login_is_made_that_is_not_due_but_allowed() -> None:
    async with opened("nothing-new") as (session, here):
        await session.scan()
        wake = Wake()
        wake.set()
        session._gap = 100.0
        here.now += 10
        said = len(here.run.transcript)
        await session.scan()
        assert len(here.run.transcript) == said
        session.recheck()
        await session.scan()
        assert len(here.run.transcript) > said
        said = len(here.run.transcript)
        here.now += 10
        await session.scan()
        assert len(here.run.transcript) == said


@pytest.mark.parametrize(("timeout", "remarks"), [("1m", 1), ("10m", 0)])
async def test_check_tells_of_it_when_it_has_tried(timeout: str, remarks: int) -> None:
    text = script("login-delay").partition("[next connection]")[0]
    async with playing(text) as peer:
        settings = Settings.parse(
            f"""
mailboxes:
  m: {{pop3: {{host: {peer.host}, port: {peer.port}, tls: none, username: me, password: labpass}}}}
modules:
  a: &a
    timeout: {timeout}
    session_timeout: 5s
    roundtrip: {{from: a@lab.test, send: {{sendmail: {{path: /bin/true}}}}, mailbox: m}}
  b: {{<<: *a, timeout: 20m}}
probes: [{{name: a, module: a, target: a@lab.test}}]
""".encode(),
            "test.yml",
        )
        attempt = next(iter([attempt async for attempt in attempts(settings)]))
        notes = [line for line in lines(attempt) if "note: " in line]
        assert len(notes) == remarks
        assert all(
            "one login every 60 s (LOGIN-DELAY), and the shortest `timeout`" in note
            for note in notes
        )
