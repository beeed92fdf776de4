"""Tables of which only the newest rows are kept."""

import sqlite3
from contextlib import closing

from exporter.state.pruning import drop_old


def test_what_is_too_old_goes_and_the_newest_of_the_rest_stay() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE things (a TEXT, b TEXT, seen_at REAL)")
        rows = [("a", "x", 1.0), ("a", "y", 3.0), ("b", "x", 2.0), ("b", "y", 4.0)]
        connection.executemany("INSERT INTO things VALUES (?, ?, ?)", rows)
        drop_old(connection, "things", "a, b", "seen_at", 1.0, 10)
        assert {*connection.execute("SELECT * FROM things")} == {*rows[1:]}
        drop_old(connection, "things", "a, b", "seen_at", 0.0, 2)
        assert {*connection.execute("SELECT * FROM things")} == {rows[1], rows[3]}
