"""A disk that refuses or stalls when a test says so, under a state that lives in memory."""

import sqlite3
import threading
from contextlib import suppress
from typing import Any

from exporter.state import schema as state_file
from exporter.state.store import Store

WRITES = ("BEGIN IMMEDIATE", "COMMIT", "INSERT", "UPDATE", "DELETE")


class Balky(sqlite3.Connection):
    """`refuses` is the result code that what begins with one of `words` ends with; 0 for none."""

    refuses = 0
    words: tuple[str, ...] = WRITES
    flowing: threading.Event | None = None  # while it is not set, the disk does not answer

    def __del__(self) -> None:
        """A disk that stalls cannot be closed by the test; Python 3.13 and newer would warn."""
        with suppress(sqlite3.Error):
            self.close()

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if self.flowing and sql.startswith("BEGIN"):
            self.flowing.wait()
        if self.refuses and sql.startswith(self.words):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = self.refuses
            raise error
        return super().execute(sql, *parameters)


def balky() -> Balky:
    connection = state_file.in_memory(Balky)
    assert isinstance(connection, Balky)
    return connection


def store_on(connection: Balky) -> Store:
    threaded = connection.flowing is not None
    return Store(connection, None, None, threaded)
