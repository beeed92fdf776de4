"""Windows of planned maintenance, as the API describes them, starts and stops them."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from exporter.config.maintenance import StartedOptions
from exporter.config.mistakes import suggestion
from exporter.core.availability.maintenance import Planned
from exporter.core.availability.window import Once, Window, matches
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.probing.started_windows import StartedWindows, WindowRefused
from exporter.web.api.errors import ApiError
from exporter.web.api.fields import Fields
from exporter.web.api.frame import Reply, listed
from exporter.web.api.paging import Paging

AT_A_TIME = 50  # windows that are described at a time: a millisecond of work
PROBES = 200  # whose names are looked at, alike


class MaintenanceWindows:
    """Answers for the windows that last or come, the soonest first."""

    def __init__(self, windows: StartedWindows, probes: ProbeTable, clock: Clock) -> None:
        self._probes = probes
        self._maintenance = windows.maintenance
        self._windows = windows
        self._clock = clock

    async def get(self, request: web.Request) -> Text:
        paging = Paging.of(request)
        planned = self._maintenance.all_planned(self._clock.wall())
        following = paging.next_of(request) if len(planned) > paging.end else None
        return await listed(self._described(planned[paging.offset : paging.end]), following)

    async def post(self, fields: Fields) -> Reply:
        """Starts a window, or changes a started one of the same name."""
        window, once = _window(fields, self._clock.wall())
        try:
            await self._windows.start(window, once)
        except WindowRefused as refusal:
            raise ApiError(HTTPStatus.CONFLICT, str(refusal)) from None
        described = self._one(window.name, window.probes, once.start, once.end)
        return Reply({**described, "unmatched": await self._unmatched(window)})

    async def delete(self, request: web.Request) -> Reply:
        """Stops a started window."""
        name = request.match_info["window"]
        try:
            await self._windows.stop(name)
        except WindowRefused as refusal:
            raise ApiError(HTTPStatus.CONFLICT, str(refusal)) from None
        except KeyError:
            started = [one.name for one in self._maintenance.started]
            text = f"there is no window {name}{suggestion(name, started)}"
            raise ApiError(HTTPStatus.NOT_FOUND, text) from None
        return Reply({"name": name})

    async def _unmatched(self, window: Window) -> list[str]:
        """The patterns that match no probe now."""
        left = list(window.probes)
        async for probe in in_turns(self._probes, PROBES):
            if window.names(probe.called):
                left = [pattern for pattern in left if not matches(pattern, probe.called)]
        return left

    async def _described(self, planned: Sequence[Planned]) -> AsyncIterator[dict[str, Any]]:
        async for one in in_turns(planned, AT_A_TIME):
            yield self._one(one.window, one.probes, one.occurrence.start, one.occurrence.end)

    def _one(self, name: str, probes: Sequence[str], start: float, end: float) -> dict[str, Any]:
        return {
            "name": name,
            "probes": list(probes),
            "start": start,
            "end": end,
            "lasts": start <= self._clock.wall() < end,
            "started": any(one.name == name for one in self._maintenance.started),
        }


def _window(fields: Fields, now: float) -> tuple[Window, Once]:
    """The window that the fields of a request describe, and when it lasts. Raises ApiError."""
    probes = fields.get("probes")
    if isinstance(probes, str):  # of a form
        fields = {**fields, "probes": probes.split()}
    try:
        options = StartedOptions.model_validate(fields)
        once = options.once(now)
    except ValidationError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, _in_words(error)) from None
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(error)) from None
    return Window(options.name, tuple(options.probes), once), once


def _in_words(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, found["loc"]))
    text = str(found.get("ctx", {}).get("error") or found["msg"])
    return one_line(f"{place}: {text}" if place else text)
