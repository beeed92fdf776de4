"""The SQLite file in the state directory: its schema, its versions, its lock. One process for one directory."""

import fcntl
import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from exporter.private_file import keep_private, open_private

log = logging.getLogger(__name__)

FILE = "mailtrip.sqlite"
SCHEMA_VERSION = 4
_RECENT = """
CREATE TABLE recent (
    number INTEGER PRIMARY KEY, trip TEXT NOT NULL UNIQUE, module TEXT NOT NULL, target TEXT NOT NULL,
    success INTEGER NOT NULL, finished_at REAL NOT NULL, size INTEGER NOT NULL, outcome TEXT NOT NULL
);
CREATE INDEX recent_by_probe ON recent (module, target, success);
CREATE INDEX recent_by_age ON recent (success, finished_at, size);
"""
_SCHEMA = f"""
CREATE TABLE trips (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, boot TEXT NOT NULL, started REAL NOT NULL, sending_since REAL,
    accepted REAL, expires_at REAL NOT NULL, verdict TEXT
) WITHOUT ROWID;
CREATE TABLE outcomes (
    module TEXT NOT NULL, target TEXT NOT NULL, finished_at REAL NOT NULL, outcome TEXT NOT NULL, last_success REAL,
    history TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (module, target)
) WITHOUT ROWID;
{_RECENT}"""
_FROM_1_TO_2 = """
ALTER TABLE trips ADD COLUMN verdict TEXT;
ALTER TABLE outcomes ADD COLUMN last_success REAL;
UPDATE outcomes SET last_success = finished_at WHERE json_extract(outcome, '$.failure') IS NULL;
"""
_FROM_2_TO_3 = f"""{_RECENT}
INSERT OR IGNORE INTO recent (trip, module, target, success, finished_at, size, outcome)
    SELECT json_extract(outcome, '$.trip'), module, target, json_extract(outcome, '$.failure') IS NULL, finished_at,
    length(CAST(outcome AS BLOB)), outcome FROM outcomes WHERE json_valid(outcome) ORDER BY finished_at;
"""  # noqa: S608 - both parts are ours
_FROM_3_TO_4 = "ALTER TABLE outcomes ADD COLUMN history TEXT NOT NULL DEFAULT '[]';"
_STEPS = {
    0: _SCHEMA,
    1: _FROM_1_TO_2 + _FROM_2_TO_3 + _FROM_3_TO_4,
    2: _FROM_2_TO_3 + _FROM_3_TO_4,
    3: _FROM_3_TO_4,
}
"""What leads from a schema to ours, by its version; 0 is that of a new file."""


class StateUnusable(Exception):
    """The state directory cannot be used. The message names it and the cure."""


def in_memory() -> sqlite3.Connection:
    """A state that ends with the process."""
    return _connect(":memory:")


def in_directory(directory: Path) -> tuple[sqlite3.Connection, int]:
    """The state that is kept there, and the lock on it, to be closed at the end. Raises StateUnusable.

    A damaged file is set aside, and a new one begun.
    """
    lock = _lock(directory)
    file = directory / FILE
    try:
        _keep_private(file)
        return _connect(str(file)), lock
    except sqlite3.OperationalError as error:
        os.close(lock)
        raise StateUnusable(f"cannot use {file}: {error}") from None
    except sqlite3.DatabaseError as error:
        aside = file.with_suffix(".damaged")
        log.error("the state in %s is damaged (%s); it is set aside as %s", file, error, aside)
        for suffix in ("-wal", "-shm"):
            Path(f"{file}{suffix}").unlink(missing_ok=True)
        file.replace(aside)
        _keep_private(file)
        return _connect(str(file)), lock


def _keep_private(file: Path) -> None:
    """The state tells what servers said. SQLite gives the files beside it the permissions of the first one."""
    with suppress(OSError):  # SQLite says it better
        os.close(open_private(file, os.O_RDWR))
    for suffix in ("-wal", "-shm"):
        keep_private(Path(f"{file}{suffix}"))
    keep_private(file.with_suffix(".damaged"))


def _lock(directory: Path) -> int:
    """One process for one state directory."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = open_private(directory / "lock", os.O_RDWR)
    except OSError as error:
        raise StateUnusable(f"cannot write in the state directory {directory}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StateUnusable(f"another mailtrip uses the state directory {directory}; give this one its own") from None
    return lock


def _connect(file: str) -> sqlite3.Connection:
    """Commits by hand. FULL: a commit has reached the disk when it returns, also with the power cut."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in _STEPS:
        connection.executescript(f"BEGIN;{_STEPS[version]}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    elif version != SCHEMA_VERSION:
        raise sqlite3.OperationalError(f"it was written by another version of mailtrip (schema {version})")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
