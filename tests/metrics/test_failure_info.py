"""`mailtrip_last_failure_info`: what an alert says of the failure, in words of closed lists and
clean codes."""

from dataclasses import replace
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.model import Failure, Outcome, ProbeError, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import new_key
from exporter.net.imap import reply as imap_reply
from exporter.net.pop3 import reply as pop3_reply
from exporter.settings import Settings
from exporter.state.store import Store
from tests.mail.test_messages_that_come_back_changed import bounce
from tests.support import virtual_time as virtual
from tests.support.pauses import at_once
from tests.support.prober_rig import ProberRig

NAME = "mailtrip_last_failure_info"
CONFIGURATION = """
mailboxes: {monitor: {imap: {host: 127.0.0.1, username: me, password: x}}}
modules:
  submission:
    roundtrip: {from: probe@example.org, send: {smtp: {host: 127.0.0.1}}, mailbox: monitor}
probes:
  - {name: me, module: submission, target: someone@example.org}
"""


def info(series: dict[str, float]) -> list[str]:
    """The labels of the failure that is shown."""
    return [
        name.removeprefix(NAME)
        for name, value in series.items()
        if name.startswith(NAME) and value == 1
    ]


@virtual.on_a(ProberRig)
async def test_a_failure_without_step_and_code_has_them_empty_and_a_success_takes_it_away(
    rig: ProberRig,
) -> None:
    assert info(rig.series()) == []
    rig.sender.delay = None
    await rig.trip()
    assert info(rig.series()) == ['{code="",phase="deliver",reason="overdue",step=""}']
    rig.sender.refusal = Reason.REJECTED
    await rig.trip()
    assert info(rig.series()) == ['{code="550",phase="send",reason="rejected",step="data"}']
    rig.sender.refusal, rig.sender.delay = None, 1.0
    assert (await rig.trip()).success
    assert info(rig.series()) == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("5.1.1", "5.1.1"),
        ("5.7.520 (see the list)", "5.7.520"),
        ("4.4.7\t", "4.4.7"),
        ("550", ""),
        ("5.1.1000", ""),
        ("9.9.9", ""),
        ("buy now", ""),
        ('"}', ""),
        ("٥.١.١", ""),
    ],
)
def test_the_code_of_a_bounce_is_an_enhanced_one_or_none(status: str, code: str) -> None:
    async def course() -> None:
        rig = ProberRig()
        told = f"Status: {status}".encode()
        rig.sender.on_the_way = lambda raw: (
            bounce(raw).replace(b"Status: 5.1.1", told).replace(b"550 5.1.1", b"no")
        )
        await rig.trip()
        assert info(rig.series()) == [f'{{code="{code}",phase="deliver",reason="bounced",step=""}}']
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize(
    ("told", "code"), [("OVERQUOTA", "OVERQUOTA"), ("X-BUY-NOW", ""), ("A" * 1000, ""), ("", "")]
)
def test_the_code_of_imap_is_a_known_one_or_none(told: str, code: str) -> None:
    with pytest.raises(ProbeError) as caught:
        imap_reply.Reply("imap", "NO", told, "no", []).data("LOGIN")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("told", "code"), [("SYS/TEMP", "SYS/TEMP"), ("X/BUY-NOW", ""), ("A" * 40, ""), ("", "")]
)
def test_the_code_of_pop3_is_a_known_one_or_none(told: str, code: str) -> None:
    with pytest.raises(ProbeError) as caught:
        pop3_reply.Reply("pop", "-ERR", told, "no").expect("the login", Reason.AUTH)
    assert caught.value.code == code


async def test_it_is_there_again_right_after_a_restart(tmp_path: Path) -> None:
    key = ProbeKey("submission", "someone@example.org")
    failure = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "no such user")
    bad = Outcome("a", key, 1000.0, 1.0, failure=failure)
    for outcome, shown in ((bad, True), (replace(bad, trip="b", failure=None), False)):
        store = Store.open(tmp_path)
        store.finished(outcome)
        await store.close()
        settings = Settings.parse(CONFIGURATION.encode(), "test.yml")
        async with App(settings, Store.open(tmp_path), new_key()) as app:
            app.recover()
            text = at_once(app.metrics.everything()).decode()
        lines = [line for line in text.splitlines() if line.startswith(NAME)]
        labels = '{code="550",phase="send",probe="me",reason="rejected",step="rcpt"}'
        assert lines == ([f"{NAME}{labels} 1.0"] if shown else [])
