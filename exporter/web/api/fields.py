"""The fields in the body of a request: those of a JSON object, or of a form."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

from exporter.web.api.errors import ApiError

READ = 10.0  # seconds for the body, which has 1 KiB at most
MOST_FIELDS = 20
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

Fields = Mapping[str, object]
"""Those of a form are texts."""


async def read_fields(request: web.Request) -> Fields:
    """Raises ApiError."""
    try:
        async with asyncio.timeout(READ):
            body = await request.read()
    except TimeoutError:
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, f"no body within {READ:g} s") from None
    if not body:
        return {}
    if request.content_type == JSON:
        return _of_json(body)
    if request.content_type == FORM:
        return _of_form(body)
    raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body must be {JSON} or {FORM}")


def text_of(fields: Fields, name: str) -> str:
    """A field that is a text; empty if there is none. Raises ApiError."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ApiError(HTTPStatus.BAD_REQUEST, f"{name} is not a text")
    return value


def _of_json(body: bytes) -> Fields:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(HTTPStatus.BAD_REQUEST, "the body is not valid JSON") from None
    if not isinstance(fields, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
    return fields


def _of_form(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise ApiError(HTTPStatus.BAD_REQUEST, "the body is not a valid form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ApiError(HTTPStatus.BAD_REQUEST, "a field is given several times")
    return fields
