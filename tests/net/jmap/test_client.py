"""A session with a JMAP server: what is sent, and what is made of answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.config.jmap import JmapServerOptions
from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.jmap.call import Call
from exporter.net.jmap.client import MAX_ANSWER, MAX_REDIRECTS, JmapClient
from tests.support.jmap_server import (
    PASSWORD,
    Fails,
    JmapCut,
    JmapReply,
    JmapServer,
    jmap_server,
    path_of,
)

STATE = Call("Email/get", {"ids": []}, "state")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[JmapServer]:
    async with jmap_server(tmp_path) as one:
        yield one


@asynccontextmanager
async def logged_in(server: JmapServer, **given: Any) -> AsyncIterator[JmapClient]:
    async with client(server, **given) as made:
        await made.connect()
        await made.log_in()
        yield made


@asynccontextmanager
async def client(server: JmapServer, **given: Any) -> AsyncIterator[JmapClient]:
    options = JmapServerOptions.model_validate(server.options(**given))
    made = JmapClient(options, Resolver(), Trace(Clock()), Leg.DELIVERY, None)
    try:
        yield made
    finally:
        await made.close()


async def failing(server: JmapServer, call: Call = STATE) -> ProbeError:
    async with logged_in(server) as here:
        with pytest.raises(ProbeError) as caught:
            await here.call(call)
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_the_session_resource_is_found_through_redirects(server: JmapServer) -> None:
    async with logged_in(server) as here:
        assert here.resource.account == "a1"
    assert [path_of(one) for one in server.requests] == ["/.well-known/jmap", "/session"]


@pytest.mark.parametrize("target", ["https://elsewhere.example/session", "http://127.0.0.1/s"])
async def test_no_redirect_takes_the_login_elsewhere(server: JmapServer, target: str) -> None:
    server.acts["well-known"] = JmapReply(301, "", (("Location", target),))
    async with client(server) as here:
        await here.connect()
        with pytest.raises(ProbeError) as caught:
            await here.log_in()
    assert caught.value.reason is Reason.PROTOCOL
    assert len(server.requests) == 1


async def test_redirects_have_an_end(server: JmapServer) -> None:
    server.acts["session"] = JmapReply(302, "", (("Location", "/session"),))
    async with client(server) as here:
        await here.connect()
        with pytest.raises(ProbeError):
            await here.log_in()
    assert len(server.requests) == MAX_REDIRECTS + 1


async def test_calls_are_in_as_many_requests_as_the_server_wants(server: JmapServer) -> None:
    server.limits = {"maxCallsInRequest": 2}
    async with logged_in(server) as here:
        answers = await here.calls([STATE] * 5)
    assert [one["state"] for one in answers] == ["0"] * 5
    assert len({id(one) for one in server.requests if path_of(one) == "/api"}) == 3


async def test_a_session_that_has_changed_is_read_before_the_next_call(server: JmapServer) -> None:
    async with logged_in(server) as here:
        server.session_state = "s2"
        await here.call(STATE)
        await here.call(STATE)
    assert [path_of(one) for one in server.requests][2:] == [
        "/api",
        "/.well-known/jmap",
        "/session",
        "/api",
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("no JSON", "no answer of JMAP|JSON"),
        ("[]", "no answer of JMAP"),
        ('{"methodResponses": 5}', "no answer of JMAP"),
        ('{"methodResponses": []}', "did not answer Email/get"),
        ('{"methodResponses": [["Email/get", {}, "7"]]}', "did not answer Email/get"),
        ('{"methodResponses": [["Thread/get", {}, "0"]]}', "answered Email/get with Thread/get"),
        ('{"methodResponses": [["Email/get", 5, "0"]]}', "did not answer Email/get"),
    ],
)
async def test_an_answer_to_something_else_is_none(
    server: JmapServer, body: str, problem: str
) -> None:
    server.acts["Email/get"] = JmapReply(200, body)
    error = await failing(server)
    assert error.reason is Reason.PROTOCOL
    with pytest.raises(ProbeError, match=problem):
        raise error


async def test_an_answer_that_is_too_large_is_not_read(server: JmapServer) -> None:
    server.acts["Email/get"] = JmapReply(200, " " * (MAX_ANSWER + 1))
    error = await failing(server)
    assert error.detail == "127.0.0.1 sent more than 1024 KiB to Email/get"


async def test_the_error_of_a_method_has_its_code(server: JmapServer) -> None:
    server.acts["Email/get"] = Fails("serverUnavailable")
    assert (await failing(server)).code == "serverUnavailable"


async def test_a_connection_that_is_cut_is_a_lost_one(server: JmapServer) -> None:
    server.acts["Email/get"] = JmapCut()
    assert (await failing(server)).reason is Reason.DISCONNECTED


async def test_what_is_too_large_is_not_uploaded(server: JmapServer) -> None:
    server.limits = {"maxSizeUpload": 4}
    async with logged_in(server) as here:
        assert await here.upload(b"1234")
        with pytest.raises(ProbeError) as caught:
            await here.upload(b"12345")
    assert (caught.value.reason, caught.value.code) == (Reason.REJECTED, "maxSizeUpload")
    assert [path_of(one) for one in server.requests].count("/upload/a1") == 1


async def test_of_a_blob_as_much_is_read_as_is_wanted(server: JmapServer) -> None:
    name = await server.put(b"Subject: a\r\n\r\n" + b"x" * 100_000)
    async with logged_in(server) as here:
        assert await here.download(server.stored[name].blob, 10) == b"Subject: a"
        assert await here.download("nothing", 10) is None


async def test_a_server_may_offer_no_events(server: JmapServer) -> None:
    server.offers_events = False
    async with logged_in(server) as here:
        assert await here.stream() is None
    server.session = {"eventSourceUrl": ""}
    async with logged_in(server) as here:
        assert await here.stream() is None
    assert [path_of(one) for one in server.requests].count("/events") == 1


@pytest.mark.parametrize("token", ["line\nbreak", "\N{BULLET}"])
async def test_a_token_that_http_cannot_send_is_told_before_anything_is_sent(
    server: JmapServer, token: str
) -> None:
    options = {"username": None, "password": None, "token": token}
    async with client(server, **options) as here:
        await here.connect()
        with pytest.raises(ProbeError, match="character that HTTP cannot send") as caught:
            await here.log_in()
    assert caught.value.reason is Reason.AUTH
    assert server.requests == []


async def test_a_refused_login_is_a_matter_of_auth(server: JmapServer) -> None:
    async with client(server, password="another") as here:
        await here.connect()
        with pytest.raises(ProbeError) as caught:
            await here.log_in()
    assert (caught.value.reason, caught.value.code) == (Reason.AUTH, "401")
