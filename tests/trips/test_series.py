"""How many series a probe has, after a successful trip over real servers."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.app import App
from exporter.core.phases import Phase
from exporter.core.scope import RoundTripScope
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser

CONFIGURATION = """
metrics: {{step_histograms: {step_histograms}}}
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  imap: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  own: {{smtpd: {{listen: "{mon_ip}:2525", recipients: [monitor@mon.test, probe@mon.test]}}}}
modules:
  submission:
    timeout: 20s
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: imap
  exchanger:
    timeout: 20s
    roundtrip: {{from: probe@mon.test, send: {{mx: {{source_address: {mon_ip}}}}}, mailbox: own}}
probes:
  - {{name: submission, module: submission, target: {user}@lab.test}}
  - {{name: exchanger, module: exchanger, target: alias@lab.test}}
"""

STEP_HISTOGRAM = re.compile(r"mailtrip_(smtp|mailbox)_step_")


@asynccontextmanager
async def app(lab: Lab, user: LabUser, *, step_histograms: bool = True) -> AsyncIterator[App]:
    """mailtrip with the configuration above."""
    text = CONFIGURATION.format(
        dns=lab.dns,
        ca=lab.ca,
        user=user.name,
        password=lab.password,
        mon_ip=lab.mon_ip,
        step_histograms=str(step_histograms).lower(),
    )
    settings = Settings.parse(text.encode(), "series.yml")
    async with App(settings, Store.open(None), new_key()) as made:
        yield made


async def page(app: App) -> bytes:
    return bytes(await app.metrics.everything())


async def lines_of(app: App, name: str) -> list[str]:
    """The lines on /metrics of this probe, after a trip."""
    (probe,) = (one for one in app.probes if one.name == name)
    at_start = _of(name, await page(app))
    outcome = await app.prober.start(probe)
    assert outcome.success, outcome.failure
    lines = _of(name, await page(app))
    _expect_all_foreseen(at_start, lines)
    return lines


def _of(name: str, page: bytes) -> list[str]:
    return [line for line in page.decode().splitlines() if f'probe="{name}"' in line]


def _expect_all_foreseen(at_start: list[str], lines: list[str]) -> None:
    """A success moves no counter or histogram that did not exist."""
    counted = re.compile(r"mailtrip_\w+_(total|bucket|sum|count)\{.*\} ")
    before, after = (
        {found[0] for line in some if (found := counted.match(line))} for some in (at_start, lines)
    )
    assert after == before


@pytest.mark.parametrize(("probe", "most"), [("submission", 150), ("exchanger", 80)])
async def test_a_probe_has_no_more_series_than_they_are_worth(
    probe: str, most: int, lab: Lab, lab_user: LabUser
) -> None:
    async with app(lab, lab_user) as made:
        lines = await lines_of(made, probe)
        assert len(lines) <= most, "\n".join(lines)
        assert [line for line in lines if STEP_HISTOGRAM.match(line)]
    async with app(lab, lab_user, step_histograms=False) as made:
        lines = await lines_of(made, probe)
        assert not [line for line in lines if STEP_HISTOGRAM.match(line)]


async def test_the_steps_that_exist_from_the_start_are_those_that_trips_take(
    lab: Lab, lab_user: LabUser
) -> None:
    async with app(lab, lab_user) as made:
        for name in ("submission", "exchanger"):
            scope = made.settings.scope(name)
            assert isinstance(scope, RoundTripScope)
            (probe,) = (one for one in made.probes if one.name == name)
            spans = (await made.prober.start(probe)).spans
            sending = {one.step for one in spans if one.phase is Phase.SEND and one.step}
            receiving = {one.step for one in spans if one.phase is not Phase.SEND and one.step}
            assert sending == scope.sending - {Step.RETRY}
            assert receiving == scope.mailbox
