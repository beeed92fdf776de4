"""Translates exceptions of libraries and the system into ProbeError."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from exporter.config.types import SecretUnavailable
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

Kinds = type[Exception] | tuple[type[Exception], ...]
Words = Callable[[Any], ProbeError]
"""The reason and the words for an exception of those kinds."""


def map_exceptions(
    table: Mapping[Kinds, Words], *, quiet: bool = False
) -> AbstractContextManager[None]:
    """Replaces an exception in the table by ProbeError. The first matching row wins, so special
    types come first. Other exceptions pass.

    The exception becomes the cause, except with `quiet`, for exceptions that may contain a secret.
    """
    return Translation(table, quiet)


class Translation:
    """A block whose exceptions are replaced. It is not a generator, since there is one for each
    command."""

    __slots__ = ("_quiet", "_table")

    def __init__(self, table: Mapping[Kinds, Words], quiet: bool) -> None:
        self._table = table
        self._quiet = quiet

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, Exception):
            return
        for kinds, words in self._table.items():
            if isinstance(error, kinds):
                raise words(error) from (None if self._quiet else error)


def map_secrets(reason: Reason = Reason.AUTH, what: str = "") -> AbstractContextManager[None]:
    """Replaces SecretUnavailable, which says why a secret cannot be read, by ProbeError with this
    reason; its words begin with `what`, if that is given."""
    words = f"{what}: " if what else ""
    return map_exceptions({SecretUnavailable: lambda error: ProbeError(reason, f"{words}{error}")})
