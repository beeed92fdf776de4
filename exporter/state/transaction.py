"""Many changes in one transaction, each with its own result."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from exporter.state.schema import is_refusal

Change = Callable[[sqlite3.Connection], object]


def commit(connection: sqlite3.Connection, changes: Sequence[Change]) -> list[Exception | None]:
    """Commits all valid changes, and returns the error of each, if any. Raises when the disk
    refuses: then none is committed.

    They are made one by one only when one of them is impossible, since savepoints cost time.
    """
    try:
        with _transaction(connection):
            for change in changes:
                change(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and is_refusal(error):
            raise
    else:
        return [None] * len(changes)
    with _transaction(connection):
        return [_problem_of(change, connection) for change in changes]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _problem_of(change: Change, connection: sqlite3.Connection) -> Exception | None:
    """The error that makes this change impossible, if any. Raises when the disk refuses."""
    connection.execute("SAVEPOINT one")
    try:
        change(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and is_refusal(error):
            raise
        connection.execute("ROLLBACK TO one")
        return error
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE one")
    return None
