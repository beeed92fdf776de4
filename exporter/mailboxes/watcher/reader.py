"""Parses arrived messages one at a time; other tasks run in between.

Most mail is from unknown senders, who may make a message expensive to parse.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from exporter.core.facts import Alteration
from exporter.mail.alterations import alterations
from exporter.mail.message import Kind, Reading, may_have_tokens, read
from exporter.mail.mime import Part, parse
from exporter.mail.tokens import Token

SHORT = 4 << 10  # bytes; reading so many costs less than handing them to a thread and back


class Reader:
    """Parses messages for all mailboxes of the program, in the order of requests.

    A long message is parsed in one separate thread. It does not run in parallel, but the
    interpreter interrupts it now and then (sys.getswitchinterval), which is impossible on the event
    loop.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "reader")
        self._turn = asyncio.Lock()

    async def read(self, raw: bytes) -> Reading:
        """The result of `message.read`. Never raises."""
        if not may_have_tokens(raw):
            await asyncio.sleep(0)
            return Reading({}, Kind.MESSAGE)
        async with self._turn:
            if len(raw) > SHORT:
                return await asyncio.get_running_loop().run_in_executor(self._thread, read, raw)
            await asyncio.sleep(0)
            return read(raw)

    async def alterations(self, message: Part | bytes, token: Token) -> tuple[Alteration, ...]:
        """What was changed in one of our messages, which may be as large as it was sent."""

        def found() -> tuple[Alteration, ...]:
            whole = parse(message) if isinstance(message, bytes) else message
            return alterations(whole, token)

        async with self._turn:
            if isinstance(message, Part) and len(message.body) <= SHORT:
                return found()
            return await asyncio.get_running_loop().run_in_executor(self._thread, found)
