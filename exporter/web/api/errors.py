"""Errors of the API, which all have the same form."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

API = "/api/v1"
JSON_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
}
ADMIN_API = "--web.enable-admin-api"
ADMIN_API_IS_OFF = f"changes are not allowed: start mailtrip with {ADMIN_API}"


class ApiError(Exception):
    """A request that is refused: an HTTP status, and one line for people."""

    def __init__(
        self,
        status: HTTPStatus,
        text: str,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.kind = kind or status.name.lower()
        self.headers = headers or {}
        super().__init__(text)


def error_response(
    status: int, kind: str, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = json.dumps({"error": kind, "message": text}) + "\n"
    return web.Response(text=body, status=status, headers=JSON_HEADERS | dict(headers or {}))


def in_json(refusal: web.Response) -> web.Response:
    """A refusal in plain text, such as of a wrong password, in the form of the API."""
    kept = {
        name: value
        for name, value in refusal.headers.items()
        if name not in (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)
    }
    kind = HTTPStatus(refusal.status).name.lower()
    response = error_response(refusal.status, kind, (refusal.text or "").strip(), kept)
    if refusal.keep_alive is False:
        response.force_close()
    return response
