"""Open a mailbox, send a signed message, wait for it, check it, delete it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from exporter.checks.options import RoundtripOptions
from exporter.mailboxes.expectation import Expectation, Found
from exporter.mailboxes.watcher import Watcher
from exporter.message import compose, is_whole
from exporter.model import Arrival, Phase, ProbeError, Reason, Step
from exporter.net.dns import Resolver
from exporter.run import Run
from exporter.senders import SENDERS, Sender
from exporter.tokens import Token


class RoundTrip:
    """The round trips of one module to one target."""

    def __init__(
        self,
        options: RoundtripOptions,
        target: str,
        resolver: Resolver,
        watchers: Mapping[str, Watcher],
        sender: Sender | None = None,
    ) -> None:
        self.watcher = watchers[options.mailbox]
        self.late_after = options.late_after
        self._bounces = watchers[options.bounces] if options.bounces else None
        self._junk_fails = options.junk == "fail"
        self._from = options.sender
        self._to = options.to.replace("{target}", target)
        name, how = options.send.chosen
        self._sender = sender or SENDERS[name](how, resolver, target)

    async def run(self, run: Run, token: Token) -> None:
        """The whole trip. Raises ProbeError, and whatever a bug raises."""
        with self._expecting(token.trip, run) as expected:
            closed = await _open(expected, run)
            uncertain = await self._send(token, run)
            if closed:
                raise closed  # the message has left all the same: the SMTP leg has its own verdict
            await self._receive(expected, run, uncertain)

    async def resume(self, run: Run, trip: str) -> None:
        """The rest of a trip whose message left before this process began."""
        with self._expecting(trip, run) as expected:
            await self._receive(expected, run)

    @contextmanager
    def _expecting(self, trip: str, run: Run) -> Iterator[Expectation]:
        """The message may come to one mailbox, and word of its failure to another."""
        with self.watcher.expect(trip, run) as expected, ExitStack() as stack:
            if self._bounces and self._bounces is not self.watcher:
                stack.enter_context(self._bounces.expect(trip, run, expected.found))
            yield expected

    async def _send(self, token: Token, run: Run) -> ProbeError | None:
        """Sends the message. When nobody knows whether it was taken, it is not sent again; we keep watching for it."""
        message = compose(token, self._from, self._to, run.started_at)
        try:
            async with run.phase(Phase.SEND):
                await self._sender.send(message, run)
        except ProbeError as error:
            if not run.uncertain:
                raise
            return run.located(error)
        return None

    async def _receive(self, expected: Expectation, run: Run, uncertain: ProbeError | None = None) -> None:
        run.timeout_error = lambda: uncertain or expected.overdue()
        async with run.phase(Phase.DELIVER):
            found = await expected.arrival()
        run.extend()  # it is back in time; what follows has the time of a conversation
        judged = await self._verify(found, run)
        async with run.phase(Phase.DELETE), run.conversation(expected.trouble):
            with run.step(Step.DELETE):
                await expected.delete()
        if judged:
            raise judged

    async def _verify(self, found: Found, run: Run) -> ProbeError | None:
        """What is wrong with a message that came: it is deleted all the same."""
        sighting = found.sighting
        try:
            async with run.phase(Phase.VERIFY):
                run.fact(_arrival(found, run))
                if sighting.junk and self._junk_fails:
                    raise ProbeError(Reason.JUNK, f"it was filed as spam, in the folder {sighting.folder}")
                if not is_whole(sighting.raw, found.token, self._from, self._to):
                    raise ProbeError(Reason.ALTERED, "its text is not whole: something on the way changed it")
        except ProbeError as error:
            return run.located(error)
        return None


async def _open(expected: Expectation, run: Run) -> ProbeError | None:
    """Waits until the mailbox is watched, or says why it cannot be."""
    try:
        async with run.phase(Phase.OPEN), run.conversation(expected.trouble):
            await expected.ready()
    except ProbeError as error:
        return run.located(error)
    return None


def _arrival(found: Found, run: Run) -> Arrival:
    """No delay is told when nobody watched, since then the moment of seeing says nothing of the delivery."""
    sighting = found.sighting
    delay = sighting.delay_since(run.accepted)
    round_trip = None if delay is None else sighting.delay_since(run.sending_since)
    return Arrival(sighting.folder, found.found_in, delay, round_trip, sighting.junk)
