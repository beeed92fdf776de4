"""Whole trips over JMAP on a real Cyrus, with the example's configuration."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.app import App
from exporter.commands.preflight.attempts import attempts
from exporter.core.model import Outcome, ProbeKey, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.jmap_cyrus import CyrusUser, JmapCyrus, Relay, relaying

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/jmap.yml"
MOST_SERIES = 150
FIRST = b"From: <a@lab.test>\r\nSubject: the first\r\n\r\nHello.\r\n"


@pytest.fixture
def people(jmap_cyrus: JmapCyrus) -> tuple[CyrusUser, CyrusUser]:
    """Who sends, and whose mailbox it is."""
    both = jmap_cyrus.user(), jmap_cyrus.user()
    for one in both:
        one.deliver(FIRST)
    return both


@pytest.fixture
def relay(jmap_cyrus: JmapCyrus) -> Iterator[Relay]:
    with relaying(jmap_cyrus) as one:
        yield one


def settings(people: tuple[CyrusUser, CyrusUser], **different: Any) -> Settings:
    """The example, at Cyrus."""
    sender, monitor = people
    data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    cyrus, trip = monitor.cyrus, data["modules"]["jmap"]["roundtrip"]
    data["mailboxes"]["monitor"]["jmap"] = cyrus.options(monitor.name)
    trip["send"]["jmap"] = cyrus.options(sender.name) | different
    trip["from"] = f"{sender.name}@cyrus.test"
    data["modules"]["jmap"]["timeout"] = "30s"
    data["probes"][0]["target"] = f"{monitor.name}@cyrus.test"
    return Settings.parse(yaml.safe_dump(data).encode(), "jmap.yml")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[App]:
    async with App(settings, Store.open(None), new_key()) as app:
        yield app


async def trip(app: App, settings: Settings) -> Outcome:
    probe = settings.probes[0]
    return await app.prober.start(
        app.probes.get_or_create(ProbeKey(probe.module, probe.target or ""))
    )


async def test_a_trip_leaves_nothing_behind(
    people: tuple[CyrusUser, CyrusUser], relay: Relay
) -> None:
    before = [one.emails() for one in people]
    here = settings(people)
    async with running(here) as app:
        outcome = await trip(app, here)
        page = bytes(await app.metrics.everything())
    assert outcome.failure is None
    assert len(relay.received) == 1
    assert [one.emails() for one in people] == before
    legs = {one.leg for one in outcome.facts if isinstance(one, TlsSession)}
    assert legs == {Leg.SEND, Leg.MAILBOX}
    lines = [one for one in page.decode().splitlines() if 'probe="jmap"' in one]
    assert 0 < len(lines) <= MOST_SERIES


async def test_a_wrong_password_for_sending_is_told(
    people: tuple[CyrusUser, CyrusUser], relay: Relay
) -> None:
    here = settings(people, password="wrong")
    async with running(here) as app:
        outcome = await trip(app, here)
    assert outcome.failure
    place = (outcome.failure.phase, outcome.failure.step, outcome.failure.reason)
    assert place == (Phase.SEND, Step.AUTH, Reason.AUTH)
    assert relay.received == []


async def test_check_tries_both_sides_and_sends_nothing(
    people: tuple[CyrusUser, CyrusUser], relay: Relay
) -> None:
    before = [one.emails() for one in people]
    found = [one async for one in attempts(settings(people))]
    assert [(one.what, one.failure) for one in found] == [
        ("mailbox monitor", None),
        ("module jmap", None),
    ]
    assert all(one.tls for one in found)
    assert relay.received == []
    assert [one.emails() for one in people] == before
