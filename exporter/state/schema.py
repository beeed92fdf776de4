"""The SQLite file in the state directory: its schema, its versions, its lock. One process for one
directory."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from exporter.core.private_file import keep_private, open_private
from exporter.state import days, heartbeats, sts_policies, thinning

log = logging.getLogger(__name__)

FILE = "mailtrip.sqlite"
BUSY = 1.0  # seconds that another program may keep the file locked before it is trouble
OTHER_VERSION = "it was written by another version of mailtrip"
_RECENT = """
CREATE TABLE recent (
    number INTEGER PRIMARY KEY, trip TEXT NOT NULL UNIQUE, module TEXT NOT NULL, target TEXT NOT NULL,
    success INTEGER NOT NULL, finished_at REAL NOT NULL, size INTEGER NOT NULL, outcome TEXT NOT NULL
);
CREATE INDEX recent_by_probe ON recent (module, target, success);
CREATE INDEX recent_by_age ON recent (success, finished_at, size);
"""  # noqa: E501
_OUTAGES = """
CREATE TABLE outages (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, start REAL NOT NULL, "end" REAL,
    outage TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outages_by_start ON outages (start);
CREATE TABLE unsettled (
    module TEXT NOT NULL, target TEXT NOT NULL, results TEXT NOT NULL, PRIMARY KEY (module, target)
) WITHOUT ROWID;
"""  # noqa: E501
_THINNING = f"""{thinning.TABLES}
ALTER TABLE recent ADD COLUMN grade INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recent ADD COLUMN successes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recent ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
DROP INDEX recent_by_probe;
DROP INDEX recent_by_age;
CREATE INDEX recent_by_probe ON recent (module, target, success, number, grade);
CREATE INDEX recent_by_age ON recent (success, grade, finished_at, size);
"""
_MAINTENANCE = """
CREATE TABLE maintenance (
    name TEXT PRIMARY KEY, start REAL NOT NULL, "end" REAL NOT NULL, probes TEXT NOT NULL
) WITHOUT ROWID;
"""
_FROM_4_TO_5 = _OUTAGES + days.TABLE + _MAINTENANCE + _THINNING
_FROM_5_TO_6 = sts_policies.TABLE
_FROM_7_TO_8 = heartbeats.TABLE
_SCHEMA = f"""
CREATE TABLE trips (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, boot TEXT NOT NULL, started REAL NOT NULL, sending_since REAL,
    accepted REAL, expires_at REAL NOT NULL, verdict TEXT, home TEXT NOT NULL DEFAULT 'message'
) WITHOUT ROWID;
CREATE TABLE outcomes (
    module TEXT NOT NULL, target TEXT NOT NULL, finished_at REAL NOT NULL, outcome TEXT NOT NULL, last_success REAL,
    history TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (module, target)
) WITHOUT ROWID;
{_RECENT}{_FROM_4_TO_5}{_FROM_5_TO_6}{_FROM_7_TO_8}"""  # noqa: E501
_FROM_1_TO_2 = """
ALTER TABLE trips ADD COLUMN verdict TEXT;
ALTER TABLE outcomes ADD COLUMN last_success REAL;
UPDATE outcomes SET last_success = finished_at
    WHERE iif(json_valid(outcome), json_extract(outcome, '$.failure') IS NULL, 0);
"""
_FROM_2_TO_3 = f"""{_RECENT}
INSERT OR IGNORE INTO recent (trip, module, target, success, finished_at, size, outcome)
    SELECT json_extract(outcome, '$.trip'), module, target, json_extract(outcome, '$.failure') IS NULL, finished_at,
    length(CAST(outcome AS BLOB)), outcome FROM outcomes WHERE json_valid(outcome) ORDER BY finished_at;
"""  # noqa: E501, S608 - both parts are ours
_FROM_3_TO_4 = "ALTER TABLE outcomes ADD COLUMN history TEXT NOT NULL DEFAULT '[]';"
_FROM_6_TO_7 = "ALTER TABLE trips ADD COLUMN home TEXT NOT NULL DEFAULT 'message';"
_STEPS = (
    *(_FROM_1_TO_2, _FROM_2_TO_3, _FROM_3_TO_4),
    *(_FROM_4_TO_5, _FROM_5_TO_6, _FROM_6_TO_7, _FROM_7_TO_8),
)
"""What leads from one version to the next."""
SCHEMA_VERSION = len(_STEPS) + 1


class StateUnusable(Exception):
    """The state directory cannot be used. The message names it and the cure."""


def in_memory(kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """A state in memory, which ends with the process."""
    return _connect(":memory:", kind)


def in_directory(directory: Path) -> tuple[sqlite3.Connection, int]:
    """Opens the state in this directory, and locks it; close both at the end. Raises StateUnusable.

    A damaged file is renamed, and a new one created.
    """
    lock = _lock(directory)
    file = directory / FILE
    try:
        return _usable(file), lock
    except (OSError, sqlite3.Error) as error:
        os.close(lock)
        raise StateUnusable(f"cannot use {file}: {error}") from None
    except StateUnusable:
        os.close(lock)
        raise


def for_reading(directory: Path) -> sqlite3.Connection:
    """Another connection to the same file. Readers do not wait for writers."""
    connection = sqlite3.connect(
        directory / FILE, isolation_level=None, check_same_thread=False, timeout=BUSY
    )
    connection.text_factory = _text
    connection.execute("PRAGMA query_only = 1")
    return connection


def place_of(directory: Path) -> Callable[[], str]:
    """Checks that the open file is still where the next start will look: returns the problem, or
    ""."""
    file = directory / FILE
    begun = os.stat(file)

    def problem() -> str:
        try:
            now = os.stat(file)
        except OSError as error:
            why = (error.strerror or "gone").lower()
            return (
                f"the state file {file} is gone ({why}): the next start will forget the trips in"
                " progress"
            )
        if not os.path.samestat(begun, now):
            return (
                f"the state file {file} was replaced: the next start will forget the trips in"
                " progress"
            )
        return ""

    return problem


def sync_of(directory: Path) -> Callable[[], None]:
    """A function that flushes all commits to disk, as FULL would with each commit
    (sqlite.org/wal.html).

    It is separate from the commit, so that the log can be written in between: a process that is
    killed while it waits for the disk has committed, and would not log it. The WAL file is not
    locked, so another descriptor of it is harmless.
    """
    file = Path(f"{directory / FILE}-wal")

    def sync() -> None:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # it was removed: see place_of
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    return sync


def _usable(file: Path) -> sqlite3.Connection:
    _keep_private(file)
    try:
        return _connect(str(file))
    except sqlite3.DatabaseError as error:
        if is_refusal(error):
            raise
        aside = file.with_suffix(".damaged")
        log.error("the state in %s is damaged (%s); renamed to %s", file, error, aside)
    file.replace(aside)
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    _keep_private(file)
    return _connect(str(file))


_REFUSALS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def is_refusal(error: sqlite3.Error) -> bool:
    """Whether the environment refuses every operation at that moment: the disk, a lock,
    permissions.

    Other errors concern this operation, or the content of the file (sqlite.org/rescode.html).
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _REFUSALS


def _keep_private(file: Path) -> None:
    """The state contains transcripts. SQLite gives its other files the permissions of the main
    one."""
    with suppress(OSError):  # SQLite says it better
        os.close(open_private(file, os.O_RDWR))
    for suffix in ("-wal", "-shm"):
        keep_private(Path(f"{file}{suffix}"))
    keep_private(file.with_suffix(".damaged"))


def _lock(directory: Path) -> int:
    """Locks the state directory for one process."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = open_private(directory / "lock", os.O_RDWR)
    except OSError as error:
        raise StateUnusable(
            f"cannot write in the state directory {directory}: {error.strerror}"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StateUnusable(
            f"another mailtrip uses the state directory {directory}; give this one its own, with"
            " --state.dir"
        ) from None
    return lock


def _connect(file: str, kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Commits explicitly. NORMAL: a commit survives a kill at once, and a power cut after
    `sync_of`."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, factory=kind)
    connection.text_factory = _text
    try:
        _prepare(connection)
        connection.execute(f"PRAGMA busy_timeout = {BUSY * 1000:.0f}")
    except (sqlite3.Error, StateUnusable):
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if 0 <= version < SCHEMA_VERSION:
        changes = "".join(_STEPS[version - 1 :]) if version else _SCHEMA  # 0 is a new file
        connection.executescript(f"BEGIN;{changes}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    elif version != SCHEMA_VERSION:
        raise StateUnusable(
            f"cannot use {_file_of(connection)}: {OTHER_VERSION} (schema {version})"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    if odd := [
        table for table, columns in _columns().items() if _columns_of(connection, table) != columns
    ]:
        raise sqlite3.DatabaseError(f"unexpected schema: table {', '.join(odd)}")


@cache
def _columns() -> dict[str, list[object]]:
    """The expected columns of each table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        return {table: _columns_of(connection, table) for (table,) in tables}


def _columns_of(connection: sqlite3.Connection, table: str) -> list[object]:
    """Their names, types and keys; empty if it is not a table."""
    columns = connection.execute(
        """SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(:table)
        WHERE EXISTS (SELECT * FROM sqlite_master WHERE type = 'table' AND name = :table)""",
        {"table": table},
    ).fetchall()
    unique = """SELECT i.name FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
        WHERE l."unique" AND l.origin != 'pk' ORDER BY i.name"""
    return [*columns, *connection.execute(unique, (table,))]


def _file_of(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()[2])


def _text(content: bytes) -> str:
    """Decodes text, also if it is no longer valid UTF-8."""
    return content.decode("utf-8", "replace")
