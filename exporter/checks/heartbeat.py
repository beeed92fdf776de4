"""Looks into a mailbox for a message of others, and fails if the last one is too old."""

from exporter.checks.check import QueryCheck
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.known_heartbeats import KnownHeartbeats
from exporter.core.heartbeat import Heartbeat, Watch
from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.mail.tokens import new_trip
from exporter.mailboxes.watcher.heartbeats import Listener
from exporter.mailboxes.watcher.watcher import Watcher


class HeartbeatCheck(QueryCheck):
    """Awaits the heartbeat of one module and one target. It sends nothing."""

    listener: Listener

    def __init__(
        self,
        options: HeartbeatOptions,
        target: str,
        interval: float,
        watcher: Watcher,
        known: KnownHeartbeats,
    ) -> None:
        self.mailbox = options.mailbox
        self.key = options.key(target)
        self._interval = interval
        self._every = options.every
        self._watcher = watcher  # it keeps its mailbox across reloads
        self._known = known
        self.listener = Listener(self.key, options.delete, known.note)

    async def run(self, run: Run) -> None:
        """Raises ProbeError if the mailbox cannot be read, or if the heartbeat is missing. When the
        last one came is a fact from the start on, by which a trip is known as one that looks for a
        heartbeat."""
        self._watcher.heartbeats.add(self.listener)
        run.fact(self._seen(run))
        with self._watcher.expect(new_trip(), run, sends=False) as expected:
            async with run.phase(Phase.OPEN, expected.trouble), run.conversation(expected.trouble):
                await expected.ready()
            async with run.phase(Phase.DELIVER, expected.unseen):
                await expected.look()
                await self._judge(run)

    async def _judge(self, run: Run) -> None:
        receives = self._watcher.receives
        await self._known.looked(self.key, self._interval, receives=receives)
        heartbeat, now = self._seen(run), run.clock.wall()
        run.replace_fact(heartbeat)
        if heartbeat.is_missing(now):
            raise ProbeError(Reason.MISSING, heartbeat.problem(now))

    def _seen(self, run: Run) -> Heartbeat:
        """What is known now. If it was never looked for, that begins with this trip."""
        watch = self._known.of(self.key) or Watch(run.started_at, run.started_at)
        return watch.fact(self._every)
