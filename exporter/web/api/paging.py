"""Which part of a long list is asked for."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from aiohttp import web

from exporter.web.api.errors import ApiError
from exporter.web.parameters import single

DEFAULT_LIMIT, MOST = 100, 1000  # items of one answer
LAST_OFFSET = 1_000_000


def optional(request: web.Request, name: str) -> str:
    """An optional parameter of the address. Raises ApiError if it is given several times."""
    try:
        return single(request, name)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(error)) from None


@dataclass(frozen=True, slots=True)
class Paging:
    """At most `limit` items, without the first `offset`."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Raises ApiError."""
        return cls(
            _number(request, "limit", DEFAULT_LIMIT, 1, MOST),
            _number(request, "offset", 0, 0, LAST_OFFSET),
        )

    @property
    def end(self) -> int:
        return self.offset + self.limit

    def next_of(self, request: web.Request) -> str | None:
        """The address of the next page; None if there can be none."""
        if self.end > LAST_OFFSET:
            return None
        query = {"limit": str(self.limit), "offset": str(self.end)}
        return str(request.rel_url.update_query(query))


def _number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    text = optional(request, name)
    if name not in request.query:
        return default
    if not re.fullmatch("[0-9]{1,7}", text, re.ASCII) or not least <= int(text) <= most:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            f"parameter {name} is not a whole number from {least} to {most}",
        )
    return int(text)
