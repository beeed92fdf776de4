"""The frame of the API: who may change something, and errors of one form."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from exporter.config.types import Listen
from exporter.metrics.text import Text
from exporter.state.schema import StateUnusable
from exporter.web.api.errors import ADMIN_API_IS_OFF
from exporter.web.api.fields import Fields
from exporter.web.api.frame import Frame, Reply, document, listed
from exporter.web.external_url import ExternalUrl
from exporter.web.middleware import Middleware
from exporter.web.resources import Resources
from exporter.web.server import Server
from tests.support.http_site import site
from tests.support.web_config_folder import PASSWORD, USERS, Folder

TOKEN_LIKE = "a" * 2000


class ApiClient:
    """Calls the API, and reads what it says."""

    def __init__(self, http: aiohttp.ClientSession, root: str) -> None:
        self.http, self.root = http, root

    async def call(
        self, path: str, method: str = "GET", **options: Any
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        async with self.http.request(method, self.root + path, **options) as answer:
            assert answer.content_type == "application/json", await answer.text()
            return answer.status, json.loads(await answer.text()), answer


async def echo(fields: Fields) -> Reply:
    return Reply({"fields": dict(fields)})


async def long(request: web.Request) -> Text:
    return document({"long": TOKEN_LIKE})


async def broken(request: web.Request) -> Text:
    raise StateUnusable("the state cannot be read now")


GETS, POSTS = {"/long": long, "/broken": broken}, {"/echo": echo}


@asynccontextmanager
async def frame(
    *, admin: bool = True, prefix: str = "", middleware: Middleware | None = None
) -> AsyncIterator[ApiClient]:
    async with site() as here:
        url = ExternalUrl.from_flags(None, prefix or None)
        api = Frame(GETS, POSTS, admin=admin)
        listen = [Listen("127.0.0.1:0")]
        async with Server(
            Resources(here.probes, here.rig.metrics, here.pages, api),
            listen,
            middleware=middleware,
            external_url=url,
        ) as server:
            host, port = server.addresses[0]
            yield ApiClient(here.http, f"http://{host}:{port}{prefix}/api/v1")


async def test_nothing_is_changed_unless_that_is_enabled() -> None:
    async with frame(admin=False) as here:
        status, error, _ = await here.call("/echo", "POST", json={"a": "b"})
        assert (status, error) == (403, {"error": "admin_api_off", "message": ADMIN_API_IS_OFF})
        assert "--web.enable-admin-api" in ADMIN_API_IS_OFF
    async with frame() as here:
        assert (await here.call("/echo", "POST", json={"a": "b"}))[:2] == (
            200,
            {"fields": {"a": "b"}},
        )


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Referer": "https://evil.example.com/page"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(headers: dict[str, str]) -> None:
    async with frame() as here:
        status, error, _ = await here.call("/echo", "POST", data={"a": "b"}, headers=headers)
        assert (status, error["error"]) == (403, "forbidden")
        assert "the request came from a page of" in error["message"]


async def test_it_needs_the_login_of_the_web_configuration(folder: Folder) -> None:
    middleware = folder.middleware(USERS)
    async with frame(middleware=middleware) as here:
        for path, method in (("/long", "GET"), ("/echo", "POST"), ("/nowhere", "GET")):
            status, error, answer = await here.call(path, method)
            assert (status, error["error"]) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        login = {"Authorization": aiohttp.encode_basic_auth("alice", PASSWORD)}
        assert (await here.call("/echo", "POST", headers=login))[0] == 200


async def test_it_is_compressed_like_pages() -> None:
    async with frame() as here:
        _, content, answer = await here.call("/long", headers={"Accept-Encoding": "gzip"})
        assert content == {"long": TOKEN_LIKE}
        assert answer.headers["Content-Encoding"] == "gzip"
        _, _, answer = await here.call("/long", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in answer.headers


async def test_a_list_is_valid_json_however_many_items_it_has() -> None:
    async def items(number: int) -> AsyncIterator[dict[str, Any]]:
        for one in range(number):
            yield {"one": one}

    for number in (0, 1, 3):
        text = await listed(items(number), "/next" if number else None)
        content = json.loads(text.decode())
        assert content == {
            "items": [{"one": one} for one in range(number)],
            "next": "/next" if number else None,
        }
