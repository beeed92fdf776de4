"""A real Icinga 2 reads a running mailtrip, and sends no mail by it."""

import time
from pathlib import Path

import pytest

from tests.commands.status.test_command import CONFIGURATION
from tests.support.icinga import Graphite, Icinga
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

RUNS = 100


def test_icinga_runs_it_a_hundred_times_while_one_message_is_sent(
    servers: None, tmp_path: Path
) -> None:
    mailtrip = Exporter(CONFIGURATION % {"port": free_port()}, tmp_path / "mailtrip")
    graphite = Graphite()
    try:
        mailtrip.wait_for('mailtrip_trips_total{probe="good"}')
        directory = tmp_path / "icinga"
        directory.mkdir()
        icinga = Icinga(f"http://{mailtrip.address}", ["good", "bad", "gone"], directory, graphite)
        try:
            while len(graphite.values("delay.value")) < RUNS or len(graphite.states) < 23:
                icinga.expect_running()
                time.sleep(0.1)
        finally:
            icinga.stop()
        assert mailtrip.series()['mailtrip_trips_total{probe="good"}'] == 1
    finally:
        graphite.close()
        mailtrip.kill()
    again = {f"again_{number}" for number in range(20)}
    assert graphite.states == dict.fromkeys(again, 0) | {
        "mail_good": 0,
        "mail_bad": 2,
        "mail_gone": 3,
    }
    shown = {one: graphite.values(one)[-1] for one in ("delay.warn", "availability.value")}
    assert shown == {"delay.warn": 300, "availability.value": 100}
    ages = graphite.values("age.value", "mail_good")
    assert ages == sorted(ages), "of the one trip"
