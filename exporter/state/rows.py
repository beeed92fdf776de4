"""Which rows of the state file are valid: disks may corrupt them, and a newer mailtrip may write
values that we do not know."""

import logging
import sqlite3
from collections.abc import Iterable, Mapping

from exporter.core.home import Home
from exporter.state.trip import State

log = logging.getLogger(__name__)

LARGEST = 1e15  # seconds; no valid time is larger


def _texts(*columns: str) -> list[str]:
    return [f"typeof({column}) = 'text'" for column in columns]


def numbers(*columns: str) -> list[str]:
    """Conditions in SQL: these columns have sensible numbers. A text or a BLOB is larger than any
    number (sqlite.org/datatype3.html)."""
    return [f"{column} BETWEEN -{LARGEST:.0f} AND {LARGEST:.0f}" for column in columns]


def _perhaps(condition: list[str], column: str) -> str:
    return f"({column} IS NULL OR ({' AND '.join(condition)}))"


def _sensible(states: Iterable[str]) -> dict[str, str]:
    """The condition for valid rows of each table, in SQL. `states` are the valid states of a
    trip."""
    known = ", ".join(f"'{state}'" for state in states)
    ways = ", ".join(f"'{home}'" for home in Home)
    return {
        "trips": " AND ".join(
            (
                *_texts("id", "module", "target", "mailbox", "state", "boot"),
                *numbers("started_at", "started", "expires_at"),
                *(_perhaps(numbers(column), column) for column in ("sending_since", "accepted")),
                _perhaps(_texts("verdict"), "verdict"),
                f"state IN ({known})",
                f"home IN ({ways})",
            )
        ),
        "outcomes": " AND ".join(
            (
                *_texts("module", "target", "outcome", "history"),
                *numbers("finished_at"),
                _perhaps(numbers("last_success"), "last_success"),
            )
        ),
        "maintenance": " AND ".join((*_texts("name", "probes"), *numbers("start", '"end"'))),
        "sts_policies": " AND ".join(
            (*_texts("domain", "version", "policy"), *numbers("downloaded_at"))
        ),
        "heartbeats": " AND ".join(
            (*_texts("mailbox", "sender", "subject", "watch"), *numbers("looked_at"))
        ),
        "unsettled": " AND ".join(_texts("module", "target", "results")),
        "outages": " AND ".join(
            (
                *_texts("id", "module", "target", "outage"),
                *numbers("start"),
                _perhaps(numbers('"end"'), '"end"'),
            )
        ),
        "recent": " AND ".join(
            (
                *_texts("trip", "module", "target", "outcome"),
                *numbers("success", "finished_at", "size", "grade", "successes", "failures"),
            )
        ),
        "traces": " AND ".join((*_texts("outcome"), *numbers("number", "size"))),
        "exemplars": " AND ".join((*_texts("module", "target"), *numbers("bucket", "number"))),
    }


SENSIBLE: Mapping[str, str] = _sensible(State)


def forget_the_rest(connection: sqlite3.Connection) -> None:
    """Deletes invalid rows, and returns their number. They are never read, even if the disk refuses
    this."""
    for table, condition in SENSIBLE.items():
        (odd,) = connection.execute(
            f"SELECT count(*) FROM {table} WHERE NOT ({condition})"  # noqa: S608
        ).fetchone()
        if odd:
            log.error(
                "the state contains invalid rows, which are deleted: %d of table %s",
                odd,
                table,
            )
            try:
                connection.execute(f"DELETE FROM {table} WHERE NOT ({condition})")  # noqa: S608
            except sqlite3.Error as error:
                log.error("the state could not be written: %s", error)
