"""Takes messages by SMTP and brings them to a mailbox of the lab when a row says so, and as the row
wants them."""

import asyncio
from collections.abc import Callable

from tests.lab.client import LabUser
from tests.support.smtp_witness import Act, Line, SmtpWitness


class Courier:
    """What a witness (see tests/support/smtp_witness.py) does at the final dot."""

    def __init__(
        self, user: LabUser, witness: SmtpWitness, change: Callable[[bytes], bytes]
    ) -> None:
        self.port = witness.port
        self.witness = witness
        self.at_once = False  # it delivers before it says 250
        self.last_act: Act | None = None  # in the place of the 250
        self.taken = asyncio.Event()
        self._user = user
        self._change = change
        self._raw = b""

    @property
    def options(self) -> dict[str, object]:
        """How to reach it: the options of `smtp`."""
        nobody = {"ca_file": None, "username": None, "password": None}
        return {"host": "127.0.0.1", "port": self.port, "tls": "none", **nobody}

    async def on(self, line: Line) -> bool:
        """The message is the part of what the client has said since DATA; dots need no care in
        ours."""
        self._raw = bytes(line.wire).rpartition(b"DATA\r\n")[2].removesuffix(b".\r\n")
        self.taken.set()
        if self.at_once:
            await self.bring(self._raw)
        return await self.last_act.on(line) if self.last_act else True

    async def message(self) -> bytes:
        """The message, when it has come."""
        await self.taken.wait()
        return self._raw

    async def deliver(self) -> None:
        """Brings the message to its mailbox."""
        await self.bring(await self.message())

    async def bring(self, raw: bytes) -> None:
        await asyncio.to_thread(self._user.deliver, self._change(raw))
