"""The table of policies for TLS that domains have published (MTA-STS), kept over restarts."""

from sqlite3 import Connection

from exporter.core.saved_policy import LONGEST, SavedPolicy
from exporter.state.pruning import drop_old
from exporter.state.rows import SENSIBLE

MOST = 10_000
TABLE = """
CREATE TABLE sts_policies (
    domain TEXT PRIMARY KEY, version TEXT NOT NULL, policy TEXT NOT NULL, downloaded_at REAL NOT NULL
) WITHOUT ROWID;
"""  # noqa: E501


def keep(connection: Connection, saved: SavedPolicy) -> None:
    """Saves a policy, instead of the one that the domain had."""
    row = (saved.domain, saved.version, saved.text, saved.downloaded_at)
    connection.execute("INSERT OR REPLACE INTO sts_policies VALUES (?, ?, ?, ?)", row)


def prune(connection: Connection, now: float) -> None:
    """Drops those that are too old in any case, and the oldest if there are too many."""
    drop_old(connection, "sts_policies", "domain", "downloaded_at", now - LONGEST, MOST)


def policies(connection: Connection) -> list[SavedPolicy]:
    """All of them, the oldest first."""
    query = f"""SELECT domain, version, policy, downloaded_at FROM sts_policies
        WHERE {SENSIBLE["sts_policies"]} ORDER BY downloaded_at"""  # noqa: S608
    return [SavedPolicy(*row) for row in connection.execute(query)]
