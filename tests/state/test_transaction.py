"""Many changes in one transaction, each with its own fate."""

import sqlite3

import pytest

from exporter.state.transaction import commit
from tests.state.test_commits import impossible, note, noted
from tests.support.balky_disk import balky


def test_a_change_that_is_impossible_is_given_up_alone() -> None:
    connection = balky()
    problems = commit(connection, [note(1), *map(impossible, range(8)), note(2)])
    assert [bool(problem) for problem in problems] == [False, *[True] * 8, False]
    assert noted(connection) == [1, 2]


def test_what_the_disk_refuses_is_not_committed_in_part() -> None:
    connection = balky()

    def refused(connection: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with pytest.raises(sqlite3.OperationalError, match="full"):
        commit(connection, [note(1), refused])
    assert noted(connection) == []
    assert commit(connection, [note(2)]) == [None]
