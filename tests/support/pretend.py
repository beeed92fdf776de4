"""A mailbox and a sender that live in memory, for what the watcher and the prober do in virtual
time."""

import asyncio
from collections.abc import Callable, Sequence

from exporter.core.facts import Client
from exporter.core.model import Fact, ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mail.composition import ProbeMessage
from exporter.mailboxes.session import ReadsWhole, Sighting, TellsTab


class PretendMailbox:
    """Holds messages. `down` is what opening, and the next command of an open session, fails
    with."""

    def __init__(self, *, listens: bool = False) -> None:
        self.listens = listens
        self.down: ProbeError | None = None
        self.hangs = False
        self.server = ""  # its name
        self.talks = False  # notes every look, and every message that is read
        self.junk = False
        self.folder = "INBOX"
        self.read_limit: int | None = None  # bytes of a message that a session reads
        self.wholes = 0  # messages that were read as a whole
        self.tab: str | ProbeError = ""  # of the inbox
        self.client: Client | None = None  # who delivers the messages, if it is a receiver
        self.greeting, self.goodbye = 0.1, 0.01  # seconds that it takes to open, and to part
        self.pushes = False  # a message ends the wait for it
        self.waiting: set[Wake] = set()
        self.messages: dict[int, tuple[bytes, float]] = {}
        self.opened = 0
        self.open_now = 0
        self.deleted: list[int] = []
        self.scans = 0
        self._next = 1
        self._clock: Callable[[], float] = asyncio.get_running_loop().time

    def deliver(self, raw: bytes) -> int:
        number, self._next = self._next, self._next + 1
        self.messages[number] = (raw, self._clock())
        for wake in self.waiting if self.pushes else ():
            wake.ring()
        return number

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> "PretendSession":
        self.opened += 1
        trace.server = self.server
        with trace.step(Step.CONNECT):
            await asyncio.sleep(self.greeting)
            await self.check()
            trace.note("C: LOGIN")
        self.open_now += 1
        return PretendSession(self, trace)

    async def check(self) -> None:
        if self.hangs:
            await asyncio.sleep(10_000)
        if self.down:
            raise self.down


class PretendSession(ReadsWhole, TellsTab):
    has_tabs = True

    def __init__(self, mailbox: PretendMailbox, trace: Trace) -> None:
        self.messages: int | None = None
        self._mailbox = mailbox
        self._trace = trace
        self._since = trace.now()
        self._seen: set[int] = set()
        self._aborted = False

    async def scan(self) -> list[Sighting]:
        with self._trace.step(Step.FETCH):
            await self._mailbox.check()
            self._mailbox.scans += 1
            fresh = {n: m for n, m in self._mailbox.messages.items() if n not in self._seen}
            if self._mailbox.talks:
                self._trace.note("C: NOOP")
                for number in fresh:
                    self._trace.note(f"C: RETR {number}")
            self._seen |= set(fresh)
            self.messages = len(self._mailbox.messages)
            now = self._trace.now()
            return [self._sighting(n, raw, now, came) for n, (raw, came) in fresh.items()]

    def _sighting(self, number: int, raw: bytes, now: float, came: float) -> Sighting:
        read, junk = raw[: self._mailbox.read_limit], self._mailbox.junk
        return Sighting(
            number,
            self._mailbox.folder,
            read,
            now,
            came >= self._since,
            junk=junk,
            cut=len(read) < len(raw),
            client=self._mailbox.client,
        )

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        await self._mailbox.check()
        self._mailbox.wholes += 1
        return self._mailbox.messages[sighting.ref][0][:limit]

    async def tab(self, sighting: Sighting) -> str:
        if isinstance(self._mailbox.tab, ProbeError):
            raise self._mailbox.tab
        return self._mailbox.tab

    async def wait(self, seconds: float, wake: Wake) -> None:
        self._mailbox.waiting.add(wake)
        try:
            await wake.sleep(seconds)
        finally:
            self._mailbox.waiting.discard(wake)

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        await self._mailbox.check()
        self._trace.note("C: EXPUNGE")
        for sighting in sightings:
            if self._mailbox.messages.pop(sighting.ref, None):
                self._mailbox.deleted.append(sighting.ref)

    async def close(self) -> None:
        await asyncio.sleep(self._mailbox.goodbye)

    def abort(self) -> None:
        if not self._aborted:
            self._aborted = True
            self._mailbox.open_now -= 1


class PretendSender:
    """Delivers into a mailbox after `delay` seconds, or never when it is None; sending takes
    `effort` seconds."""

    def __init__(self, mailbox: PretendMailbox, delay: float | None = 5.0) -> None:
        self.mailbox = mailbox
        self.delay = delay
        self.effort = 1.0
        self.copies = 1
        # The server, to a message.
        self.says: Callable[[bytes], list[str]] = lambda raw: ["250 taken"]
        self.refusal: Reason | None = None
        self.words = "refused"
        self.uncertain = False
        self.on_the_way: Callable[[bytes], bytes] = bytes  # what becomes of a message
        self.sent: list[bytes] = []
        self.gap = 0.0
        self.facts: tuple[Fact, ...] = ()  # that the sending teaches

    def destination(self, message: ProbeMessage) -> str:
        return "everywhere"

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        """Nobody asks for it here."""

    async def send(self, message: ProbeMessage, run: Run) -> None:
        with run.step(Step.DATA):
            run.note("C: DATA")
            await asyncio.sleep(self.effort)
            for line in (said := self.says(message.raw)):
                run.note(f"S: {line}")
            run.facts.extend(self.facts)
            if self.refusal:
                raise ProbeError(self.refusal, self.words, code=550)
            self.sent.append(message.raw)
            run.uncertain = self.uncertain
            if not self.uncertain:
                run.accept("".join(said[-1:]))
        if self.delay is not None:
            for _ in range(self.copies):
                asyncio.get_running_loop().call_later(
                    self.delay, self.mailbox.deliver, self.on_the_way(message.raw)
                )
        if self.uncertain:
            with run.step(Step.DATA):
                raise ProbeError(Reason.DISCONNECTED, "cut after the final dot")
