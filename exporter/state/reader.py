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
    """Without `threaded` it reads on the event loop's thread. The disk has `patience` seconds to
    answer."""

    def __init__(
        self, connection: sqlite3.Connection, *, threaded: bool, patience: float = PATIENCE
    ) -> None:
        self._connection = connection
        self._threaded = threaded
        self._patience = patience
        self._reading: asyncio.Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the disk has not answered yet."""
        return self._reading is not None and not self._reading.done()

    def read_now(self, query: Query[Result]) -> Result:
        """Reads and blocks the event loop. Raises StateUnusable."""
        with self._readable():
            return query(self._connection)

    async def read(self, query: Query[Result]) -> Result:
        """Reads off the event loop, one query after the other. Raises StateUnusable."""
        with self._readable():
            async with asyncio.timeout(self._patience):
                while self._reading and not self._reading.done():
                    await asyncio.wait({self._reading})
                reading = self._reading = off_the_loop(
                    partial(query, self._connection), threaded=self._threaded
                )
                return await asyncio.shield(reading)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            words = f"no answer from the disk within {self._patience:g} s"
            raise StateUnusable(f"the state cannot be read now: {words}") from None
        except sqlite3.Error as error:
            raise StateUnusable(f"the state cannot be read now: {error}") from error
