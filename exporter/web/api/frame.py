"""What all resources of the API have in common: JSON, errors of one form, who may change
something."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from exporter.core.model import ProbeRefused
from exporter.mail.tokens import without_tokens
from exporter.metrics.text import Text
from exporter.state.schema import StateUnusable
from exporter.web.api.errors import (
    ADMIN_API_IS_OFF,
    API,
    JSON_HEADERS,
    ApiError,
    error_response,
)
from exporter.web.api.fields import Fields, read_fields
from exporter.web.bodies import Body
from exporter.web.coalescer import Coalescer
from exporter.web.compression import Compression

RETRY_AFTER = {"Retry-After": "10"}  # seconds

Get = Callable[[web.Request], Awaitable[Text]]
"""Answers GET. Raises ApiError, ProbeRefused and StateUnusable."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to POST or DELETE."""

    content: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Post = Callable[[Fields], Awaitable[Reply]]
"""Answers POST, with the fields of its body. Raises what `Get` raises."""

Delete = Callable[[web.Request], Awaitable[Reply]]
"""Answers DELETE. Raises what `Get` raises."""


class Frame:
    """The routes of `gets`, `posts` and `deletes`, by their paths below /api/v1. What changes
    something, or sends a message, is refused unless `admin`."""

    def __init__(
        self,
        gets: Mapping[str, Get],
        posts: Mapping[str, Post],
        deletes: Mapping[str, Delete] | None = None,
        *,
        admin: bool,
    ) -> None:
        self._gets = gets
        self._posts = posts
        self._deletes = deletes or {}
        self.admin = admin
        self._answers = Coalescer(one_at_a_time=True)

    def table(
        self, prefix: str, compression: Compression, client: Callable[[web.Request], str]
    ) -> list[web.RouteDef]:
        """Its routes below `prefix`. `client` returns the address of a request's client."""
        root = f"{prefix}{API}"
        return [
            *(
                web.get(root + path, self._answer_get(get, compression, client))
                for path, get in self._gets.items()
            ),
            *(web.post(root + path, self._answer_post(post)) for path, post in self._posts.items()),
            *(
                web.delete(root + path, self._answer_delete(delete))
                for path, delete in self._deletes.items()
            ),
        ]

    def _answer_get(
        self, get: Get, compression: Compression, client: Callable[[web.Request], str]
    ) -> Any:
        @_with_errors
        async def answer(request: web.Request) -> web.Response:
            key = request.rel_url.raw_path_qs
            body: Body = await self._answers.get(key, lambda: get(request), client=client(request))
            return await compression.response(request, body, JSON_HEADERS)

        return answer

    def _answer_post(self, post: Post) -> Any:
        @_with_errors
        async def answer(request: web.Request) -> web.Response:
            self._expect_admin()
            return _response(await post(await read_fields(request)))

        return answer

    def _answer_delete(self, delete: Delete) -> Any:
        @_with_errors
        async def answer(request: web.Request) -> web.Response:
            self._expect_admin()
            return _response(await delete(request))

        return answer

    def _expect_admin(self) -> None:
        if not self.admin:
            raise ApiError(HTTPStatus.FORBIDDEN, ADMIN_API_IS_OFF, "admin_api_off")


def _response(reply: Reply) -> web.Response:
    headers = JSON_HEADERS | dict(reply.headers)
    return web.Response(text=json.dumps(reply.content) + "\n", status=reply.status, headers=headers)


def _with_errors(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answered(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except ApiError as error:
            return error_response(error.status, error.kind, str(error), error.headers)
        except ProbeRefused as refusal:
            return error_response(refusal.status, refusal.kind, str(refusal))
        except StateUnusable as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return error_response(status, "state_unusable", str(error), RETRY_AFTER)

    return answered


def document(content: Mapping[str, Any]) -> Text:
    """One JSON document. It has no tokens: with the token of a trip in progress, a reader could
    forge its message."""
    return Text([without_tokens(json.dumps(content)).encode(), b"\n"])


async def listed(items: AsyncIterable[Mapping[str, Any]], following: str | None) -> Text:
    """A page of a list, and the address of the `following` one."""
    parts = [part async for part in _parts(items)]
    return Text([*parts, f'], "next": {json.dumps(following)}}}\n'.encode()])


async def _parts(items: AsyncIterable[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    yield b'{"items": ['
    separator = ""
    async for item in items:
        yield f"{separator}{without_tokens(json.dumps(item))}".encode()
        separator = ",\n"
