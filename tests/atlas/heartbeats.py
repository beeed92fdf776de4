"""Heartbeats that do not come, and a mailbox in which they cannot be looked for."""

import asyncio
from collections.abc import Callable
from typing import Any

from exporter.app import App
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.core.heartbeat import Beat, Watch
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.atlas.table import Changes, Fault, Known, Make, Verdict, opening
from tests.atlas.world import KEY, World

HOUR = 3600.0
OPTIONS = {
    "mailbox": "monitor",
    "from": "backup@*",
    "subject": "*{target}*finished*",
    "every": "26h",
}
MISSING = Verdict(Phase.DELIVER, None, Reason.MISSING, "", None)
FAILED = b"From: backup@lab.test\r\nSubject: the-row: backup failed\r\n\r\nNo space left.\r\n"


def awaited(*letters: bytes, last: float | None = None, **more: Any) -> Make:
    """An earlier look was a minute ago, and the first one two days; the last heartbeat came so many
    hours ago."""

    async def make(world: World) -> Changes:
        for letter in letters:
            await asyncio.to_thread(world.user.deliver, letter)
        if letters:
            await asyncio.to_thread(world.user.wait_for_mails, len(letters))
        world.before = _known(HeartbeatOptions.model_validate(OPTIONS), last)
        changes = {"module": {"heartbeat": OPTIONS, "roundtrip": None}, **more}
        return {part: world.filled(options) for part, options in changes.items()}

    return make


def _known(options: HeartbeatOptions, last: float | None) -> Callable[[App], None]:
    def before(app: App) -> None:
        now = app.clock.wall()
        came = Beat(now - last * HOUR, "backup@lab.test", "the-row: finished") if last else None
        watch = Watch(now - 48 * HOUR, now - 60, last=came)
        app.heartbeats.restore({options.key(KEY.target): watch})

    return before


HEARTBEATS = (
    Fault(
        "A job that reports every day has not reported",
        "a real mailbox without such a message since the last one, 27 hours ago",
        MISSING,
        Known.AT_ONCE,
        "the log of the job, then the queue of its mail server",
        awaited(last=27),
        says="the last one came 1 d 3 h ago",
    ),
    Fault(
        "A job has never reported",
        "a real mailbox into which mailtrip has looked for two days",
        MISSING,
        Known.AT_ONCE,
        "whether the job exists; `from` and `subject` of the module",
        awaited(),
        says="none has come since",
    ),
    Fault(
        "A job reports that it has failed",
        "a real message with another subject in the mailbox",
        MISSING,
        Known.AT_ONCE,
        "the messages of the job in the mailbox",
        awaited(FAILED, last=27),
        says="the last one came",
    ),
    Fault(
        "A mailbox in which a heartbeat is awaited cannot be reached",
        "an address at which nothing listens",
        opening(Step.CONNECT, Reason.CONNECT),
        Known.SESSION,
        "the mailbox's server: the heartbeat may have come",
        awaited(last=27, imap={"host": "<dead>"}),
    ),
)
