"""Tables of which only the newest rows are kept."""

from sqlite3 import Connection


def drop_old(
    connection: Connection, table: str, key: str, at: str, oldest: float, most: int
) -> None:
    """Drops the rows of a table, named by its `key`, whose time `at` is the `oldest` or earlier,
    and all but the newest if there are more than `most`."""
    connection.execute(f"DELETE FROM {table} WHERE {at} <= ?", (oldest,))  # noqa: S608
    newest = f"SELECT {key} FROM {table} ORDER BY {at} DESC LIMIT -1 OFFSET ?"  # noqa: S608
    connection.execute(f"DELETE FROM {table} WHERE ({key}) IN ({newest})", (most,))  # noqa: S608
