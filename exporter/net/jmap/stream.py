"""An open stream of events (RFC 8620 section 7.3)."""

import asyncio

import aiohttp

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.http.body import CHUNK
from exporter.net.http.errors import http_errors
from exporter.net.jmap.events import EventParser, state_of


class EventStream:
    """Tells the states of the messages of one account."""

    def __init__(self, response: aiohttp.ClientResponse, host: str, account: str) -> None:
        self._response = response
        self._host = host
        self._account = account
        self._parser = EventParser(host)
        self._states: list[str] = []

    async def state(self) -> str:
        """Waits for the next state. It may be cancelled, and called again. Raises ProbeError when
        the stream ends."""
        while not self._states:
            await asyncio.sleep(0)  # what has arrived may be many events
            with http_errors(self._host):
                piece = await self._response.content.read(CHUNK)
            if not piece:
                raise ProbeError(Reason.DISCONNECTED, f"{self._host} ended the stream of events")
            found = (
                state_of(kind, data, self._account, "Email")
                for kind, data in self._parser.feed(piece)
            )
            self._states = [state for state in found if state]
        newest = self._states[-1]
        self._states.clear()
        return newest

    def close(self) -> None:
        self._response.close()
