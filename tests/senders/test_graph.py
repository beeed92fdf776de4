"""What Microsoft Graph does with a message beyond the contract of senders."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.core.model import ProbeError, Reply, TlsSession
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from tests.support.graph_rigs import GraphRig, sender_rig
from tests.support.graph_service import Says
from tests.support.left_behind import until
from tests.support.sending import new_run, probe_message, send, steps


@pytest.fixture
async def rig() -> AsyncIterator[GraphRig]:
    async with sender_rig() as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
async def test_a_message_that_is_throttled_is_sent_again_when_graph_wants_it(
    rig: GraphRig, status: int
) -> None:
    says = Says(status, "ApplicationThrottled", "too many", (("Retry-After", "1"),), 1)
    rig.service.acts["send_mail"] = says
    run = new_run()
    assert await send(rig.sender, probe_message(), run) is None
    assert steps(run) == [
        *(Step.TOKEN, Step.RESOLVE, Step.CONNECT, Step.DATA),
        Step.RETRY,
        *(Step.TOKEN, Step.RESOLVE, Step.CONNECT, Step.DATA),
    ]
    assert run.makes_way.is_set()
    assert "-- throttled; retrying in 1 s" in "\n".join(run.transcript)
    assert not run.uncertain


@pytest.mark.parametrize("wait", ["3600", "Wed, 30 Nov 2095 12:00:00 GMT"])
async def test_it_is_not_sent_again_after_the_deadline(rig: GraphRig, wait: str) -> None:
    says = Says(429, "ApplicationThrottled", "too many", (("Retry-After", wait),))
    rig.service.acts["send_mail"] = says
    failure = await send(rig.sender, probe_message(), new_run(), timeout=5)
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.DEFERRED, "429")
    assert len(rig.received) == 1


async def test_a_revoked_token_is_renewed_once(rig: GraphRig) -> None:
    assert await send(rig.sender, probe_message(), new_run()) is None
    rig.service.revoke()
    run = new_run()
    assert await send(rig.sender, probe_message(), run) is None
    assert len(rig.received) == 2
    assert len(rig.service.forms) == 2
    assert "-- token refused; requesting a new one" in "\n".join(run.transcript)


async def test_a_trip_knows_how_it_was_sent(rig: GraphRig) -> None:
    run = new_run()
    assert await send(rig.sender, probe_message(), run) is None
    assert run.answer == "202 Accepted, request-id b1946ac9-2f1b"
    kinds = {type(fact) for fact in run.facts}
    assert {Reply, TlsSession} <= kinds
    said = "\n".join(run.transcript)
    assert "C: POST probe@lab.test/sendMail" in said
    assert "S: 202" in said


async def test_the_token_is_for_the_host_of_the_api(rig: GraphRig) -> None:
    await send(rig.sender, probe_message(), new_run())
    (form,) = rig.service.forms
    assert form["scope"] == f"https://graph.example.test:{rig.service.port}/.default"


async def preflight(rig: GraphRig, run: Run) -> None:
    async with run.deadline(20), run.phase(Phase.SEND):
        await rig.sender.preflight(probe_message(), run)


async def test_a_preflight_sends_nothing(rig: GraphRig) -> None:
    run = new_run()
    await preflight(rig, run)
    assert not rig.received
    assert run.accepted is None
    assert rig.service.requests == ["POST /v1.0/users/probe@lab.test/sendMail"]


@pytest.mark.parametrize("status", [202, 403, 404])
async def test_a_preflight_fails_if_a_message_would(rig: GraphRig, status: int) -> None:
    rig.service.acts["send_mail"] = Says(status, "ErrorAccessDenied", "no")
    run = new_run()
    with pytest.raises(ProbeError) as caught:
        await preflight(rig, run)
    assert caught.value.code == str(status)
    assert run.failure(caught.value).step is Step.DATA


async def test_no_token_is_shown(rig: GraphRig) -> None:
    says = Says(400, "ErrorInvalidRecipients", "what is {token}?")
    rig.service.acts["send_mail"] = says
    run = new_run()
    failure = await send(rig.sender, probe_message(), run)
    assert failure is not None
    assert "what is" in failure.detail
    shown = f"{failure} {run.transcript} {run.facts} {run.spans}"
    assert not any(token in shown for token in rig.service.tokens)
    assert "the secret of the client" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("ignores_filters", [False, True])
async def test_the_copy_in_sent_items_is_deleted_and_no_other(
    rig: GraphRig, *, ignores_filters: bool
) -> None:
    """It is there some time after the message was accepted."""
    rig.service.copy_after = 0.5
    rig.service.ignores_filters = ignores_filters
    others = rig.service.store(b"Message-ID: <1@lab.test>\r\n\r\n", "sentitems")
    run = new_run()
    assert await send(rig.with_options(delete_sent=True), probe_message(), run) is None
    assert [*rig.service.mails] == [others.id]
    assert "-- the copy in Sent Items is deleted" in "\n".join(run.transcript)
    assert steps(run) == [Step.TOKEN, Step.RESOLVE, Step.CONNECT, Step.DATA]
    assert run.accepted is not None


async def test_without_the_option_it_stays(rig: GraphRig) -> None:
    assert await send(rig.sender, probe_message(), new_run()) is None
    await until(lambda: rig.service.mails)
    assert not any("sentitems" in one for one in rig.service.requests)


@pytest.mark.parametrize(("status", "told"), [(403, "ErrorAccessDenied"), (200, "is not one of")])
async def test_a_copy_that_cannot_be_deleted_is_no_failure(
    rig: GraphRig, status: int, told: str
) -> None:
    rig.service.acts["list"] = Says(status, "ErrorAccessDenied" if status == 403 else "", "no")
    run = new_run()
    assert await send(rig.with_options(delete_sent=True), probe_message(), run) is None
    said = "\n".join(run.transcript)
    assert "-- the copy in Sent Items is not deleted: " in said
    assert told in said
    assert all(span.reason is None for span in run.spans)


async def test_no_login_of_the_machine_takes_the_place_of_the_token(
    rig: GraphRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert await send(rig.sender, probe_message(), new_run()) is None
    assert not rig.service.logins
