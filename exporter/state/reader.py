"""Reads the state over a separate connection, so that it does not wait for writes."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from exporter.core.threads import off_the_loop
from exporter.state.commits import PATIENCE
from exporter.state.schema import StateUnusable

Result = TypeVar("Result")
Query = Callable[[sqlite3.Connection], Result]


class Reader:
    """Without `threaded` it reads on the event loop's thread."""

    def __init__(self, connection: sqlite3.Connection, *, threaded: bool) -> None:
        self._connection = connection
        self._threaded = threaded
        self._reading: asyncio.Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the disk has not answered yet."""
        return self._reading is not None and not self._reading.done()

    def read_now(self, query: Query[Result]) -> Result:
        """Reads and blocks the event loop. Raises StateUnusable."""
        with _readable():
            return query(self._connection)

    async def read(self, query: Query[Result]) -> Result:
        """Reads off the event loop, one query after the other. Raises StateUnusable."""
        with _readable():
            async with asyncio.timeout(PATIENCE):
                while self._reading and not self._reading.done():
                    await asyncio.wait({self._reading})
                reading = self._reading = off_the_loop(
                    partial(query, self._connection), threaded=self._threaded
                )
                return await asyncio.shield(reading)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise StateUnusable(
            f"the state cannot be read now: no answer from the disk within {PATIENCE:g} s"
        ) from None
    except sqlite3.Error as error:
        raise StateUnusable(f"the state cannot be read now: {error}") from error
