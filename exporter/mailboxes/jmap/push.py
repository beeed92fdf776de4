"""The server's announcements. They only save time: the mailbox is polled as often as without."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from exporter.core.model import ProbeError
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.net.jmap.client import JmapClient
from exporter.net.jmap.stream import EventStream

PAUSE = 30.0  # seconds until a stream that has ended is opened again


class Push:
    """Listens to the stream of events of a session, if the server has one."""

    def __init__(self, client: JmapClient, trace: Trace) -> None:
        self._client = client
        self._trace = trace
        self._stream: EventStream | None = None
        self._offered = True
        self._again_at = 0.0

    async def listen(self, seconds: float, wake: Wake, is_news: Callable[[str], bool]) -> None:
        """Returns after that time; earlier when a state is announced that `is_news`, when `wake` is
        set, and when listening has just begun: what came before was not announced."""
        if not self._stream and self._offered and self._trace.now() >= self._again_at:
            await self._open()
            if self._stream:
                return
        if not self._stream:
            await wake.sleep(seconds)
            return
        hearing = asyncio.ensure_future(self._hear(self._stream, is_news))
        hearing.add_done_callback(lambda _: wake.ring())
        try:
            await wake.sleep(seconds)
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                await hearing

    def close(self) -> None:
        """May be called at any time, also twice."""
        if self._stream:
            self._stream.close()

    async def _open(self) -> None:
        """Without a stream, or with one that cannot be opened, the mailbox is polled."""
        try:
            self._stream = await self._client.stream()
        except ProbeError as error:
            self._ended(error)
        else:
            self._offered = self._stream is not None

    async def _hear(self, stream: EventStream, is_news: Callable[[str], bool]) -> None:
        try:
            while not is_news(await stream.state()):
                continue
        except ProbeError as error:
            self._ended(error)
        else:
            self._trace.note("S: event: messages have changed")

    def _ended(self, error: ProbeError) -> None:
        self._trace.note(f"-- no events: {error.detail}")
        self.close()
        self._stream, self._again_at = None, self._trace.now() + PAUSE
