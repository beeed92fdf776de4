"""The table of windows of planned maintenance that were started beside the configuration."""

from json import dumps, loads
from sqlite3 import Connection

from exporter.core.availability.window import Once, Window
from exporter.state.rows import SENSIBLE


def keep(connection: Connection, name: str, probes: tuple[str, ...], once: Once) -> None:
    """Saves a window, instead of one of the same name."""
    row = (name, once.start, once.end, dumps(probes))
    connection.execute("INSERT OR REPLACE INTO maintenance VALUES (?, ?, ?, ?)", row)


def forget(connection: Connection, name: str) -> None:
    connection.execute("DELETE FROM maintenance WHERE name = ?", (name,))


def prune(connection: Connection, now: float) -> None:
    """Drops windows that are over at `now`, in seconds since the epoch."""
    connection.execute('DELETE FROM maintenance WHERE "end" <= ?', (now,))


def windows(connection: Connection) -> list[Window]:
    """All of them, in the order of their start."""
    query = f"""SELECT name, probes, start, "end" FROM maintenance
        WHERE {SENSIBLE["maintenance"]} ORDER BY start"""  # noqa: S608
    return [
        Window(name, patterns, Once(start, end))
        for name, probes, start, end in connection.execute(query)
        if (patterns := _patterns(probes))
    ]


def _patterns(text: str) -> tuple[str, ...]:
    """Empty if they cannot be read."""
    try:
        said = loads(text)
    except (ValueError, RecursionError):
        return ()
    texts = isinstance(said, list) and all(isinstance(one, str) for one in said)
    return tuple(said) if texts else ()
