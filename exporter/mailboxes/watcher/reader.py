"""Arrived messages are read one after the other; other tasks run in between.

Unknown senders write most of what arrives in a mailbox, and a message may be made to cost much.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from exporter.mail.message import Kind, Reading, may_have_tokens, read

SHORT = 4 << 10  # bytes; reading so many costs less than handing them to a thread and back


class Reader:
    """Reads messages for all mailboxes of the program, in the order in which they are asked for.

    A long message is read in one thread of its own. That one does not run beside us, but the
    interpreter takes it off every 5 ms (sys.getswitchinterval), which on the event loop is not
    possible.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "reader")
        self._turn = asyncio.Lock()

    async def read(self, raw: bytes) -> Reading:
        """What `message.read` says. Never raises."""
        if not may_have_tokens(raw):
            await asyncio.sleep(0)
            return Reading({}, Kind.MESSAGE)
        async with self._turn:
            if len(raw) > SHORT:
                return await asyncio.get_running_loop().run_in_executor(self._thread, read, raw)
            await asyncio.sleep(0)
            return read(raw)
