"""What another process knows about heartbeats, from its state directory."""

from contextlib import closing
from pathlib import Path
from sqlite3 import Error

from exporter.core.heartbeat import HeartbeatKey, Watch
from exporter.state.heartbeats import watches
from exporter.state.schema import FILE, SCHEMA_VERSION, for_reading


def stored_heartbeats(directory: Path) -> dict[HeartbeatKey, Watch]:
    """All of them; none if they cannot be read."""
    if not (directory / FILE).is_file():
        return {}
    try:
        with closing(for_reading(directory)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return watches(connection) if version == SCHEMA_VERSION else {}
    except Error:
        return {}
