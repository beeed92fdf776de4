"""Open a mailbox, send a signed message, wait for it, check it, delete it."""

from collections.abc import Mapping

from exporter.checks.options import RoundtripOptions
from exporter.mailboxes.expectation import Expectation, Found
from exporter.mailboxes.watcher import Watcher
from exporter.message import compose
from exporter.model import Arrival, Phase, ProbeError, Step
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
        self._from = options.sender
        self._to = options.to.replace("{target}", target)
        name, how = options.send.chosen
        self._sender = sender or SENDERS[name](how, resolver, target)

    async def run(self, run: Run, token: Token) -> None:
        """The whole trip. Raises ProbeError, and whatever a bug raises."""
        with self.watcher.expect(token.trip, run) as expected:
            closed = await _open(expected, run)
            uncertain = await self._send(token, run)
            if closed:
                raise closed  # the message has left all the same: the SMTP leg has its own verdict
            await self._receive(expected, run, uncertain)

    async def resume(self, run: Run, trip: str) -> None:
        """The rest of a trip whose message left before this process began."""
        with self.watcher.expect(trip, run) as expected:
            await self._receive(expected, run)

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
        async with run.phase(Phase.VERIFY):
            run.fact(_arrival(found, run))
        async with run.phase(Phase.DELETE), run.conversation(expected.trouble):
            with run.step(Step.DELETE):
                await expected.delete()


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
    return Arrival(sighting.folder, found.found_in, delay, round_trip)
