"""The table of heartbeats: when the last message came, and since when we look."""

from sqlite3 import Connection

from pydantic import TypeAdapter, ValidationError

from exporter.core.heartbeat import HeartbeatKey, Watch
from exporter.state.pruning import drop_old
from exporter.state.rows import SENSIBLE

MOST = 20_000
LONGEST = 400 * 86400.0  # seconds without a look, after which nothing is known any more
TABLE = """
CREATE TABLE heartbeats (
    mailbox TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, looked_at REAL NOT NULL,
    watch TEXT NOT NULL, PRIMARY KEY (mailbox, sender, subject)
) WITHOUT ROWID;
"""
_WATCH = TypeAdapter(Watch)


def keep(connection: Connection, key: HeartbeatKey, watch: Watch) -> None:
    """Saves what is known about a heartbeat, instead of what was."""
    text = _WATCH.dump_json(watch).decode()
    row = (key.mailbox, key.sender, key.subject, watch.looked_at, text)
    connection.execute("INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?, ?, ?)", row)


def prune(connection: Connection, now: float) -> None:
    """Drops those that were not looked for in a long time, and the oldest if there are too
    many."""
    drop_old(connection, "heartbeats", "mailbox, sender, subject", "looked_at", now - LONGEST, MOST)


def watches(connection: Connection) -> dict[HeartbeatKey, Watch]:
    """All of them."""
    query = f"""SELECT mailbox, sender, subject, watch FROM heartbeats
        WHERE {SENSIBLE["heartbeats"]}"""  # noqa: S608
    return {
        HeartbeatKey(*names): watch
        for *names, text in connection.execute(query)
        if (watch := _readable(text))
    }


def _readable(text: str) -> Watch | None:
    """None if another version wrote it and we cannot read it."""
    try:
        return _WATCH.validate_json(text)
    except ValidationError:
        return None
