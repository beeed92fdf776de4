"""Searches a text for phrases, quickly whatever the text is."""

import re
from functools import cached_property

_QUOTES = str.maketrans("’´`‘", "''''")


def squeezed(text: str) -> str:
    """The text as phrases are written: in small letters, on one line, with single blanks and plain
    apostrophes.

    Python makes of the Turkish İ an i with a dot of its own above.
    """
    return " ".join(text.lower().translate(_QUOTES).split()).replace("i\u0307", "i")


class Phrases:
    """Patterns, one on a line, for texts that are `squeezed`.

    Those of ASCII begin where a word begins, and others are not looked for in a text of ASCII: a
    search costs a few milliseconds for the longest text that is looked at. They are compiled when
    they are first looked for, since that takes longer than to read a configuration.
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
