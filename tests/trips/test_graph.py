"""Whole trips by Microsoft Graph, there and back, in a real App."""

import asyncio
from pathlib import Path

import pytest
import yaml

from exporter.app import App
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.support.graph_service import GraphService, Says
from tests.support.pauses import at_once

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/microsoft365-graph.yml"
KEY = ProbeKey("microsoft365-graph", "monitor@example.org")
WAY = 0.4  # seconds


class Tenant(GraphService):
    """What is sent arrives in the mailbox, or in `folder`."""

    folder = "inbox"

    async def deliver(self) -> None:
        """Delivers the next message, some time after it was accepted."""
        number = len(self.received)
        while len(self.received) == number:
            await asyncio.sleep(0.01)
        await asyncio.sleep(WAY)
        self.store(self.received[-1].raw, self.folder)


def settings(tenant: Tenant) -> Settings:
    """The example, with the service in the place of Microsoft's."""
    whole = yaml.safe_load(EXAMPLE.read_text())
    module = whole["modules"]["microsoft365-graph"]
    module["timeout"], module["session_timeout"] = "20s", "5s"
    module["roundtrip"]["send"]["graph"] = tenant.options(delete_sent=True)
    whole["mailboxes"]["monitor"]["graph"] = tenant.options()
    return Settings.parse(yaml.safe_dump(whole).encode(), "graph.yml")


async def trip(tenant: Tenant) -> tuple[Outcome, str]:
    """The trip, and the page of its probe."""
    async with App(settings(tenant), Store.open(None), new_key()) as app:
        flight = app.prober.start(app.probes.get_or_create(KEY))
        delivering = asyncio.create_task(tenant.deliver())
        outcome = await flight
        delivering.cancel()
        return outcome, at_once(app.metrics.probe(KEY)).decode()


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return Tenant(tmp_path, "monitor@example.org")


@pytest.mark.slow
async def test_a_message_goes_there_and_back(tenant: Tenant) -> None:
    try:
        outcome, page = await trip(tenant)
    finally:
        tenant.close()
    assert outcome.success, outcome.failure
    (arrival,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    assert arrival.folder == "INBOX"
    assert arrival.delay is not None
    assert WAY - 0.1 <= arrival.delay <= WAY + 5
    assert not tenant.mails
    assert any(span.phase is Phase.DELETE and span.step is Step.DELETE for span in outcome.spans)
    assert tenant.most_at_once <= 4
    assert "\nmailtrip_success 1.0" in page
    assert sum(not line.startswith("#") for line in page.splitlines()) < 150


@pytest.mark.slow
async def test_a_message_in_the_folder_for_junk_fails_the_trip_and_is_deleted(
    tenant: Tenant,
) -> None:
    tenant.folder = "junkemail"
    try:
        outcome, _ = await trip(tenant)
    finally:
        tenant.close()
    assert outcome.failure
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.VERIFY, Reason.JUNK)
    assert not tenant.mails


@pytest.mark.slow
async def test_an_answer_of_which_nothing_follows_does_not_fail_a_message_that_comes(
    tenant: Tenant,
) -> None:
    """Exchange may have sent the message, though a gateway says 504."""
    tenant.acts["send_mail"] = Says(504, "UnknownError", "", times=1)
    try:
        outcome, _ = await trip(tenant)
    finally:
        tenant.close()
    assert outcome.success, outcome.failure
    assert len(tenant.received) == 1
