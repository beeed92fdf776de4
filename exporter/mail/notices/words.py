"""Searches a text for phrases, fast for any text."""

import re
from functools import cached_property

_QUOTES = str.maketrans("’´`‘", "''''")


def squeezed(text: str) -> str:
    """The text normalized like phrases: in lower case, on one line, with single blanks and plain
    apostrophes.

    Python converts the Turkish İ to an i with a combining dot above.
    """
    return " ".join(text.lower().translate(_QUOTES).split()).replace("i\u0307", "i")


class Phrases:
    """Patterns, one on a line, for texts that are `squeezed`.

    ASCII patterns match at the start of a word, and others are skipped for ASCII text: a search
    takes a few milliseconds for the longest text. They are compiled at the first search, since that
    takes longer than to load a configuration.
    """

    def __init__(self, *texts: str) -> None:
        self._lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        plain = "|".join(line for line in self._lines if line.isascii())
        return re.compile(rf"(?<![a-z0-9])(?:{plain})")

    @cached_property
    def _foreign(self) -> re.Pattern[str] | None:
        foreign = "|".join(line for line in self._lines if not line.isascii())
        return re.compile(foreign) if foreign else None

    @cached_property
    def _start(self) -> re.Pattern[str]:
        return re.compile(rf"\W*(?:{'|'.join(self._lines)})")

    def found_in(self, text: str) -> bool:
        if self._plain.search(text):
            return True
        return (
            not text.isascii()
            and self._foreign is not None
            and self._foreign.search(text) is not None
        )

    def match_start(self, text: str) -> bool:
        """Whether the text begins with one of them."""
        return self._start.match(text) is not None
