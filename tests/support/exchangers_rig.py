"""A prober whose probe sends a message through each exchanger, in virtual time."""

import asyncio
from pathlib import Path

from exporter.checks.options import RoundtripOptions
from exporter.checks.roundtrip import RoundTrip
from exporter.core.model import Exchanger, ExchangerVisit, ProbeError
from exporter.core.reasons import Reason
from exporter.core.scope import RoundTripScope
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.senders.pace import Pace
from exporter.settings import Settings
from tests.support.pretend import PretendMailbox, PretendSender
from tests.support.prober_rig import KEY, ProberRig

SETTINGS = Settings.parse(
    b"""
mailboxes: {imap: {imap: {host: imap.example.org, username: monitor, password: x}}}
modules:
  each:
    roundtrip: {from: probe@example.org, send: {mx: {each: true}}, mailbox: imap}
""",
    "each.yml",
)
_SCOPE = SETTINGS.scope("each")
assert isinstance(_SCOPE, RoundTripScope)
SCOPE = _SCOPE


class Dead(PretendSender):
    """An exchanger that does not answer."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        async with run.conversation(server="dead"):
            with run.step(Step.CONNECT):
                await asyncio.sleep(100_000)


class Pausing(PretendSender):
    """An exchanger that greets after `pause` seconds."""

    pause = 6.0

    async def send(self, message: ProbeMessage, run: Run) -> None:
        async with run.conversation(server="pausing"):
            with run.step(Step.GREETING):
                await asyncio.sleep(self.pause)
        await super().send(message, run)


class Greylisting(PretendSender):
    """An exchanger that takes a message the second time, 30 s later."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        run.makes_way.set()
        with run.step(Step.RETRY):
            await asyncio.sleep(30)
        await super().send(message, run)


class PretendExchangers:
    """The exchangers of a domain, in the order of preferences."""

    def __init__(self, mailbox: PretendMailbox) -> None:
        self.gap = 0.0
        self.problem: ProbeError | None = None
        self.senders: dict[Exchanger, PretendSender] = {
            Exchanger("mx1", 10, "192.0.2.1"): PretendSender(mailbox),
            Exchanger("mx1", 10, "192.0.2.2"): PretendSender(mailbox),
            Exchanger("mx2", 20, "192.0.2.3"): PretendSender(mailbox),
        }

    @property
    def sent(self) -> list[int]:
        """How many messages each has taken."""
        return [len(one.sent) for one in self.senders.values()]

    def destination(self, message: ProbeMessage) -> str:
        return "everywhere"

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Nobody asks for it here."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        """As a sender does: the first that takes it."""
        for exchanger, sender in self.senders.items():
            if sender.refusal or isinstance(sender, Dead):
                continue
            await sender.send(message, run)
            run.fact(exchanger)
            return
        with run.step(Step.CONNECT):
            raise ProbeError(Reason.CONNECT, "none can be reached")

    async def each(self, message: ProbeMessage, run: Run) -> list[Exchanger]:
        if self.problem:
            raise self.problem
        return [*self.senders]

    def through(self, exchanger: Exchanger) -> PretendSender:
        sender = self.senders[exchanger]
        sender.gap = self.gap
        return sender


class ExchangersRig(ProberRig):
    """`others` are the options of the round trip."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        mailbox: PretendMailbox | None = None,
        **others: object,
    ) -> None:
        super().__init__(directory, mailbox)
        self.exchangers = PretendExchangers(self.mailbox)
        options = {"from": "probe@example.org", "send": {"mx": {"each": True}}, **others}
        if "expect" not in others:
            options["mailbox"] = "monitor"
        self.probe.check = RoundTrip(
            RoundtripOptions.model_validate(options),
            KEY.target,
            self.watchers,
            Pace(),
            self.exchangers,
        )
        self.metrics.known(KEY, "each", SCOPE)

    def exchanger(self, number: int) -> PretendSender:
        return [*self.exchangers.senders.values()][number]

    def replace(self, number: int, sender: PretendSender) -> None:
        self.exchangers.senders[[*self.exchangers.senders][number]] = sender

    async def visits(self) -> list[ExchangerVisit]:
        """Those of the trip in progress or just ended."""
        (task,) = self.probe.visits.values()
        return [*await task]

    def success(self) -> dict[str, float]:
        """The series, by address."""
        name = "mailtrip_exchanger_success{"
        return {
            labels.partition('address="')[2].partition('"')[0]: value
            for labels, value in self.series().items()
            if labels.startswith(name)
        }
