"""The end of a connection: it has one reason, whoever asks."""

import asyncio
import errno
from typing import cast

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.connection import Connection
from exporter.net.redaction import Redaction


class Aborted:
    """A transport that can only be dropped."""

    times = 0

    def abort(self) -> None:
        self.times += 1


class Waiting(Connection):
    """A connection whose calls wait for data."""

    async def more(self) -> None:
        await self._more()

    def fail(self, detail: str) -> ProbeError:
        return self._failure(Reason.PROTOCOL, detail)


def connection() -> Waiting:
    redaction = Redaction()
    redaction.learn("hunter2")
    made = Waiting("mx.example", redaction)
    made.transport = cast("asyncio.Transport", Aborted())
    return made


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (None, "mx.example cut the connection"),
        (
            ConnectionResetError(errno.ECONNRESET, "x"),
            "mx.example cut the connection: connection reset by peer",
        ),
    ],
)
async def test_a_server_that_cuts_it_ends_the_wait(error: Exception | None, detail: str) -> None:
    lost = connection()
    waiting = asyncio.create_task(lost.more())
    await asyncio.sleep(0)
    assert lost.alive
    lost.connection_lost(error)
    with pytest.raises(ProbeError) as caught:
        await waiting
        await lost.more()
    assert (caught.value.reason, caught.value.detail) == (Reason.DISCONNECTED, detail)
    assert not lost.alive
    await lost.closed()


async def test_the_first_reason_counts_and_every_later_call_tells_it() -> None:
    lost = connection()
    lost.fail("nonsense")
    lost.abort()
    lost.connection_lost(None)
    for _ in range(2):
        with pytest.raises(ProbeError, match="nonsense"):
            await lost.more()
    assert cast("Aborted", lost.transport).times == 3


def test_no_error_tells_a_secret() -> None:
    assert "hunter2" not in str(connection().fail("what is hunter2?"))
