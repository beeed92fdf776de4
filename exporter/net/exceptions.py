"""Translates exceptions of libraries and the system into ProbeError."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from exporter.core.model import ProbeError

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
