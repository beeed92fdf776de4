"""What `mailtrip report` says of a month, and what real Prometheus computes of the series of the
same month, by the expressions of the documentation."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.account_output import QUANTILES
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.facts import Arrival
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.probing.scheduler import Scheduler
from tests.probing.test_planned_trips import PlannedServer
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig
from tests.support.prometheus import PROMTOOL, Prometheus

DOCS = Path(__file__).resolve().parents[2] / "docs"
MONTH = Month(2023, 12)
HOUR, DAY, INTERVAL, SCRAPES = 3600.0, 86400.0, 1800.0, 900.0
LENGTH = MONTH.end - MONTH.start
BEGIN = MONTH.start - DAY
# Since the begin of the month.
DOWN = [(-2000, 3000), (5 * DAY, 5 * DAY + 2000), (9 * DAY, 9 * DAY + 3 * HOUR)]
PLANNED = (20 * DAY, 20 * DAY + 6 * HOUR)
WANTED = re.compile("mailtrip_(outage|consecutive|delivery_delay_seconds_bucket)")
NEAR = 1e-4  # 0.01 %


class SlowServer(PlannedServer):
    """Its messages come, each after another time."""

    random = Random(1)

    async def run(self, run: Run) -> None:
        await super().run(run)
        run.fact(Arrival("INBOX", "header", self.random.lognormvariate(1.0, 1.2), None))


async def shown(rig: ProberRig) -> Iterator[str]:
    """The series that are wanted, as a scrape at this moment."""
    text = bytes(await rig.metrics.probe(rig.probe.key)).decode()
    now = round(rig.clock.wall(), 3)
    lines = (line.partition(" # ")[0] for line in text.splitlines())
    return (f"{line} {now}\n" for line in lines if WANTED.match(line))


async def a_month(file: Path) -> ProbeAccount:
    """Makes the trips of a month and a day; writes what Prometheus scrapes of them."""
    loop = asyncio.get_running_loop()
    clock = Clock(monotonic=loop.time, wall=lambda: BEGIN + loop.time())
    window = Once(*(MONTH.start + moment for moment in PLANNED))
    down = tuple((DAY + start, DAY + end) for start, end in (*DOWN, PLANNED))
    rig = ProberRig(clock=clock, maintenance=Maintenance([Window("move", ("gmail",), window)]))
    rig.probe.name, rig.probe.check = "gmail", SlowServer(clock, down)
    rig.probe.schedule.interval, rig.probe.schedule.interval_after_failure = INTERVAL, 60
    beating = asyncio.create_task(Scheduler(rig.prober, clock, lambda: [rig.probe]).run())
    with file.open("w") as written:
        while clock.wall() <= MONTH.end:
            written.writelines(await shown(rig))
            await asyncio.sleep(SCRAPES)
        written.write("# EOF\n")
    beating.cancel()
    (account,) = await rig.store.account(MONTH, MONTH.end)
    await rig.close()
    return account


def documented(page: str, heading: str) -> str:
    """The expression below this line of a page, for this month instead of 30 days."""
    _, _, after = (DOCS / page).read_text().partition(heading)
    block = re.search(r"\n\n((?: {4}.*\n)+)", after)
    assert block, heading
    days = f"{LENGTH / DAY:.0f}"
    return block[1].replace("30d", f"{days}d").replace("30 * 86400", f"{days} * 86400")


@pytest.mark.slow
def test_report_and_promql_say_the_same(servers: None, tmp_path: Path) -> None:
    account = virtual.run(a_month(tmp_path / "month.txt"))
    assert len(account.outages) == 4
    command = [str(PROMTOOL), "tsdb", "create-blocks-from", "openmetrics"]
    large = f"--max-block-duration={LENGTH / HOUR:.0f}h"  # the file is read once for each block
    blocks = [str(tmp_path / "month.txt"), str(tmp_path / "data")]
    subprocess.run([*command, large, *blocks], check=True, capture_output=True)
    prometheus = Prometheus("{}", tmp_path)
    try:
        prometheus.wait_ready()

        def value(promql: str) -> float:
            (sample,) = prometheus.query(promql, MONTH.end)
            return sample.value

        availability = value(documented("maintenance.md", "**Availability in one query"))
        assert account.downtime.availability == pytest.approx(availability, abs=NEAR)
        assert availability < 0.997
        for planned, seconds in ((0, account.downtime.down), (1, account.downtime.planned)):
            chosen = f'{{planned="{"true" if planned else "false"}"}}[31d]'
            down = value(f"increase(mailtrip_outage_seconds_total{chosen})")
            assert down == pytest.approx(seconds, abs=NEAR * LENGTH)
            ended = value(f"increase(mailtrip_outages_total{chosen})")
            assert ended == pytest.approx(sum(one.planned == planned for one in account.outages))
        for name, share in QUANTILES.items():
            promql = documented("cli.md", "The delays in PromQL").replace("0.99", str(share))
            assert account.delay(share) == pytest.approx(value(promql), rel=NEAR), name
    finally:
        prometheus.stop()
