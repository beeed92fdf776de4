"""Searches a text for phrases, quickly whatever the text is."""

import re

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
    search costs a few milliseconds for the longest text that is looked at.
    """

    def __init__(self, *texts: str) -> None:
        lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        plain = "|".join(line for line in lines if line.isascii())
        foreign = "|".join(line for line in lines if not line.isascii())
        self._plain = re.compile(rf"(?<![a-z0-9])(?:{plain})")
        self._foreign = re.compile(foreign) if foreign else None
        self._start = re.compile(rf"\W*(?:{'|'.join(lines)})")

    def found_in(self, text: str) -> bool:
        if self._plain.search(text):
            return True
        return (
            self._foreign is not None
            and not text.isascii()
            and self._foreign.search(text) is not None
        )

    def begin(self, text: str) -> bool:
        """Whether the text begins with one of them."""
        return self._start.match(text) is not None
