"""What happens to mailtrip itself and to its machine, and must raise no alarm."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from exporter.core.timing.clock import Clock
from tests.atlas.courier import Courier
from tests.atlas.table import Changes, Course, Disturbance, Series
from tests.atlas.world import World
from tests.support import virtual_time as virtual
from tests.support.mailtrip_process import Exporter
from tests.support.prober_rig import ProberRig

PAGE = "/probe?module=trip&target=the-row"
HOUR = 3600.0
SMALL = 1 << 20  # bytes that a file may have on the disk that is full

Event = Callable[["Served"], Awaitable[None]]


class Served:
    """A mailtrip in a process of its own, with a message in transit that is delivered in the
    end."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.world = world
        self.directory = world.directory / "mailtrip"
        self.directory.mkdir()
        self.courier = courier
        changes: Changes = {
            "smtp": courier.options,
            "module": {"timeout": "60s", "session_timeout": "8s"},
        }
        self.text = world.configuration(changes)
        self.now: Exporter

    async def start(self) -> None:
        self.now = await asyncio.to_thread(Exporter, self.text, self.directory)
        self.world.stack.callback(self.now.kill)

    async def until_sent(self) -> None:
        await self.courier.taken.wait()
        while self.now.trips() != ["sent"]:
            await asyncio.sleep(0.05)

    async def outcome(self) -> Series:
        await self.courier.deliver()
        await asyncio.to_thread(self.now.wait_for, "mailtrip_success", PAGE)
        while self.world.mails():
            await asyncio.sleep(0.05)
        return await asyncio.to_thread(self.now.series, PAGE)


def served(
    *,
    before: Callable[[Path], object] = bool,
    event: Event | None = None,
    proof: Callable[[Served], bool] = bool,
) -> Course:
    """`mailtrip serve` with a message in transit, something that happens, and in the end the proof
    that it did."""

    async def course(world: World) -> Series:
        one = Served(world, await world.courier())
        before(one.directory)
        await one.start()
        if event:
            await event(one)
        series = await one.outcome()
        assert proof(one)
        return series

    return course


def ended(how: Literal["stop", "kill"]) -> Event:
    async def event(one: Served) -> None:
        await one.until_sent()
        await asyncio.to_thread(getattr(one.now, how))
        await one.start()

    return event


async def scraped_twice(one: Served) -> None:
    """Two Prometheus servers ask at once, again and again."""
    for _ in range(3):
        asked = [asyncio.create_task(asyncio.to_thread(one.now.get, "/metrics")) for _ in range(2)]
        await asyncio.gather(*asked)
    await one.until_sent()


async def reloaded(one: Served) -> None:
    """With another timeout, so that the module is another one, and with the mailbox's session to be
    opened again."""
    await one.until_sent()
    text = one.text.replace("timeout: 60s", "timeout: 61s").replace(
        "imap:", "imap:\n      folders: [INBOX]"
    )
    await asyncio.to_thread(one.now.configure, text)
    assert (await asyncio.to_thread(one.now.reload))[0] == 200


async def disk_fills_up(one: Served) -> None:
    """No file may grow any more: neither the state nor the log."""
    await one.until_sent()
    one.now.limit(resource.RLIMIT_FSIZE, 0)


def nothing_was_written(one: Served) -> bool:
    return one.now.trips() == ["sent"]


def full_log(directory: Path) -> None:
    (directory / "mailtrip.log").symlink_to("/dev/full")


def damaged_state(directory: Path) -> None:
    (directory / "state").mkdir()
    (directory / "state/mailtrip.sqlite").write_bytes(b"this is no database" * 100)


def was_set_aside(one: Served) -> bool:
    return (
        one.directory / "state/mailtrip.damaged"
    ).exists() and "renamed to" in one.now.log.read_text()


def stepped(seconds: float) -> Course:
    """In virtual time: the wall clock jumps while the message is in transit, and the delay stays
    true."""

    async def inside() -> Series:
        loop = asyncio.get_running_loop()
        jump = 0.0
        rig = ProberRig(
            clock=Clock(monotonic=loop.time, wall=lambda: virtual.BEGIN + loop.time() + jump)
        )
        rig.sender.delay = 100.0
        flight = rig.prober.start(rig.probe)
        await asyncio.sleep(50)
        jump = seconds
        await flight
        series = rig.series()
        await rig.close()
        assert abs(series["mailtrip_last_delivery_delay_seconds"] - 100) < 5
        return series

    return in_virtual_time(inside)


async def slow_queue() -> Series:
    """In virtual time: the message is in transit for an hour."""
    rig = ProberRig()
    rig.probe.timeout, rig.sender.delay = 2 * HOUR, HOUR
    await rig.trip()
    series = rig.series()
    await rig.close()
    assert abs(series["mailtrip_last_delivery_delay_seconds"] / HOUR - 1) < 0.05
    return series


def in_virtual_time(course: Callable[[], Awaitable[Series]]) -> Course:
    async def outside(world: World) -> Series:
        return await asyncio.to_thread(lambda: virtual.run(_as_coroutine(course)))

    return outside


async def _as_coroutine(course: Callable[[], Awaitable[Series]]) -> Series:
    return await course()


GOES_ON = "continues the trip and its clock"

PROCESS = (
    Disturbance(
        "mailtrip is restarted while the message is in transit",
        "SIGTERM, and a new start",
        GOES_ON,
        served(event=ended("stop")),
    ),
    Disturbance(
        "mailtrip is killed while the message is in transit",
        "SIGKILL, and a new start",
        GOES_ON,
        served(event=ended("kill")),
    ),
    Disturbance(
        "The configuration is reloaded while the message is in transit",
        "`POST /-/reload`, with other options for the module and the mailbox",
        "ends the trip with its old configuration",
        served(event=reloaded),
    ),
    Disturbance(
        "Two Prometheus servers scrape at once",
        "two requests at a time, three times",
        "makes one trip for all",
        served(event=scraped_twice),
    ),
    Disturbance(
        "The disk of the log is full",
        "standard error goes to `/dev/full`",
        "continues without a log",
        served(before=full_log),
    ),
    Disturbance(
        "The disk of the state fills up",
        "no file can grow",
        "logs it once, continues, and writes the delayed changes when there is space",
        served(event=disk_fills_up, proof=nothing_was_written),
    ),
    Disturbance(
        "The state file is damaged",
        "its bytes are overwritten",
        "renames it to `mailtrip.damaged`, logs that, and creates a new one",
        served(before=damaged_state, proof=was_set_aside),
    ),
    Disturbance(
        "The wall clock is put forward by an hour",
        "while the message is in transit, in virtual time",
        "measures on a clock that never jumps",
        stepped(HOUR),
    ),
    Disturbance(
        "The wall clock is put back by an hour",
        "while the message is in transit, in virtual time",
        "measures on a clock that never jumps",
        stepped(-HOUR),
    ),
    Disturbance(
        "The message is in a queue for an hour",
        "with a `timeout` of two hours, in virtual time",
        "waits",
        in_virtual_time(slow_queue),
    ),
)
