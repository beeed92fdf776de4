"""Sending over JMAP: what is left, which identity sends, and how credentials travel."""

from pathlib import Path
from typing import Any

import pytest

from exporter.core.model import Failure
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.support.jmap_server import (
    NAME,
    SUBMISSION,
    Fails,
    JmapAct,
    JmapReply,
    JmapServer,
    jmap_server,
    path_of,
)
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send, steps


def sender(server: JmapServer, **options: Any) -> Sender:
    return make_sender("jmap", server.options(server_name=NAME, **options), Resolver())


async def sent(server: JmapServer, run: Run | None = None, **options: Any) -> Failure | None:
    return await send(sender(server, **options), probe_message(), run or new_run())


async def test_nothing_is_left_of_the_draft(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        run = new_run()
        assert await sent(server, run) is None
        assert server.stored == {}
        assert run.answer == "submission S1"
        imported = next(one for name, one in server.calls if name == "Email/import")
        assert imported["emails"]["m"]["mailboxIds"] == {"p3": True}
        assert [name for name, _ in server.calls].count("Email/set") == 0  # the server did it


@pytest.mark.parametrize(
    "act",
    [
        Fails("forbiddenFrom", of_object=True),
        Fails("serverFail"),
        JmapReply(503),
        JmapReply(429, "", (("Retry-After", "1"),)),
        JmapReply(200, "{}"),
    ],
)
async def test_nothing_is_left_of_a_draft_that_was_not_sent(tmp_path: Path, act: JmapAct) -> None:
    async with jmap_server(tmp_path) as server:
        server.acts["EmailSubmission/set"] = act
        assert await sent(server) is not None
        assert server.stored == {}


async def test_a_draft_that_cannot_be_deleted_does_not_hide_the_verdict(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.acts["EmailSubmission/set"] = Fails("forbiddenFrom", of_object=True)
        server.acts["Email/set"] = Fails("serverFail")
        run = new_run()
        failure = await sent(server, run)
        assert failure
        assert failure.code == "forbiddenFrom"
        assert "the draft was not deleted" in "\n".join(run.transcript)


@pytest.mark.parametrize(
    ("identities", "chosen"),
    [
        (["other@lab.test", "Probe@Lab.test"], "i2"),
        (["other@lab.test", "*@lab.test"], "i2"),
        (["*@lab.test", "probe@lab.test"], "i2"),
        (["other@lab.test", "third@lab.test"], "i1"),
        ([""], "i1"),
    ],
)
async def test_the_identity_is_that_of_the_sender(
    tmp_path: Path, identities: list[str], chosen: str
) -> None:
    async with jmap_server(tmp_path) as server:
        server.identities = [
            {"id": f"i{number}", "email": email} for number, email in enumerate(identities, 1)
        ]
        assert await sent(server) is None
        submitted = next(one for name, one in server.calls if name == "EmailSubmission/set")
        assert submitted["create"]["s"]["identityId"] == chosen


async def test_without_an_identity_or_a_place_for_the_draft_nothing_is_uploaded(
    tmp_path: Path,
) -> None:
    async with jmap_server(tmp_path) as server:
        identities, server.identities = server.identities, []
        failure = await sent(server)
        assert failure
        assert (failure.step, failure.code) == (Step.MAIL, "forbiddenFrom")
        server.identities, server.places = identities, server.places[:2]
        failure = await sent(server)
        assert failure
        assert "drafts, sent, archive, trash" in failure.detail
        assert "/upload/a1" not in map(path_of, server.requests)


async def test_a_message_that_is_too_large_is_not_uploaded(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.limits = {"maxSizeUpload": 500}
        failure = await sent(server)
        assert failure
        assert failure.reason is Reason.REJECTED
        assert "500 bytes" in failure.detail
        assert "/upload/a1" not in map(path_of, server.requests)


async def test_preflight_sends_nothing(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        run = new_run()
        await sender(server).preflight(probe_message(), run)
        assert steps(run)[-2:] == [Step.AUTH, Step.MAIL]
        assert {path_of(one) for one in server.requests} == {
            "/.well-known/jmap",
            "/session",
            "/api",
        }
        assert {name for name, _ in server.calls} == {"Identity/get", "Mailbox/get"}


async def test_a_token_of_the_server_is_a_bearer_token(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.authorizations = {"Bearer fmu1-abcdefgh"}
        login = {"username": None, "password": None}
        assert await sent(server, token="fmu1-abcdefgh", **login) is None
        failure = await sent(server, token="fmu1-zyxwvuts", **login)
        assert failure
        assert (failure.reason, failure.code) == (Reason.AUTH, "401")


@pytest.mark.parametrize("token", ["two\nlines", "größe"])
async def test_a_token_that_http_cannot_send_is_not_sent(tmp_path: Path, token: str) -> None:
    async with jmap_server(tmp_path) as server:
        failure = await sent(server, token=token, username=None, password=None)
        assert failure
        assert failure.reason is Reason.AUTH
        assert server.requests == []
        assert token not in failure.detail


async def test_what_a_server_repeats_of_our_credentials_is_hidden(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        (basic,) = server.authorizations
        for words in (basic, server.options()["password"], basic.partition(" ")[2]):
            server.acts["session"] = JmapReply(403, f'{{"detail": "not with {words}"}}')
            run = new_run()
            failure = await sent(server, run)
            assert failure
            assert words not in failure.detail
            assert words not in "\n".join(run.transcript)


@pytest.mark.parametrize("stage", ["well-known", "session"])
async def test_a_redirect_elsewhere_is_not_followed(tmp_path: Path, stage: str) -> None:
    async with jmap_server(tmp_path) as server:
        for target in ("https://localhost:1/", "http://127.0.0.1/", "//evil.example/x"):
            server.acts[stage] = JmapReply(302, "", (("Location", target),))
            failure = await sent(server)
            assert failure
            assert (failure.step, failure.reason) == (Step.AUTH, Reason.PROTOCOL)
            assert "redirect" in failure.detail


async def test_redirects_in_a_circle_end(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.acts["session"] = JmapReply(302, "", (("Location", "/session"),))
        failure = await sent(server)
        assert failure
        assert failure.code == "302"
        assert len(server.requests) < 10


async def test_a_request_is_never_redirected(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.acts["upload"] = JmapReply(307, "", (("Location", "/upload/a2"),))
        failure = await sent(server)
        assert failure
        assert (failure.step, failure.code) == (Step.DATA, "307")


async def test_a_pause_that_the_server_wants_is_kept(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        one = sender(server)
        server.acts["upload"] = JmapReply(429, "", (("Retry-After", "60"),))
        failure = await send(one, probe_message(), new_run())
        assert failure
        assert failure.code == "429"
        server.acts.clear()
        asked = len(server.requests)
        failure = await send(one, probe_message(), new_run())
        assert failure
        assert failure.reason is Reason.UNAVAILABLE
        assert (failure.step, failure.code) == (Step.AUTH, "429")
        assert "Retry-After" in failure.detail
        assert len(server.requests) == asked


async def test_an_account_that_may_not_submit_is_told(tmp_path: Path) -> None:
    async with jmap_server(tmp_path) as server:
        server.session = {"primaryAccounts": {}}
        failure = await sent(server)
        assert failure
        assert SUBMISSION in failure.detail
