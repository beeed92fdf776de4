"""Translates exceptions of libraries and the system into ProbeError."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from exporter.config.types import SecretUnavailable
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason

Kinds = type[Exception] | tuple[type[Exception], ...]
Words = Callable[[Any], ProbeError]
"""The reason and the words for an exception of those kinds."""


@contextmanager
def map_exceptions(table: Mapping[Kinds, Words], *, quiet: bool = False) -> Iterator[None]:
    """Replaces an exception in the table by ProbeError. The first matching row wins, so special
    types come first. Other exceptions pass.

    The exception becomes the cause, except with `quiet`, for exceptions that may contain a secret.
    """
    try:
        yield
    except Exception as error:
        for kinds, words in table.items():
            if isinstance(error, kinds):
                raise words(error) from (None if quiet else error)
        raise


def map_secrets(reason: Reason = Reason.AUTH, what: str = "") -> AbstractContextManager[None]:
    """Replaces SecretUnavailable, which says why a secret cannot be read, by ProbeError with this
    reason; its words begin with `what`, if that is given."""
    words = f"{what}: " if what else ""
    return map_exceptions({SecretUnavailable: lambda error: ProbeError(reason, f"{words}{error}")})
