"""The one translator of exceptions: what libraries and the system raise becomes a ProbeError."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from exporter.core.model import ProbeError

Kinds = type[Exception] | tuple[type[Exception], ...]
Words = Callable[[Any], ProbeError]
"""The reason and the words for an exception of those kinds."""


@contextmanager
def map_exceptions(table: Mapping[Kinds, Words], *, quiet: bool = False) -> Iterator[None]:
    """Raises ProbeError in place of an exception that is in the table, by the first row that fits:
    special types stand above general ones. All else passes.

    The exception is the cause of the ProbeError; not if `quiet`, for one that may hold a secret.
    """
    try:
        yield
    except Exception as error:
        for kinds, words in table.items():
            if isinstance(error, kinds):
                raise words(error) from (None if quiet else error)
        raise
