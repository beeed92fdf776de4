"""Lookalike and invisible characters, as pasted from web pages and word processors."""

import re
import unicodedata
from collections.abc import Iterator

_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# Not the joiners U+200C and U+200D, which some languages need.
_INVISIBLE = "\u00ad\u180e\u200b\u2060\ufeff"
_ODD = re.compile(f"[{_BLANKS}{_INVISIBLE}]")
_INDENTED_ODDLY = re.compile(
    rf"^[ \t]*([{_BLANKS}{_INVISIBLE}]|[–—−•·‣](?=[ {_BLANKS}]))", re.MULTILINE
)
_MARKS = re.compile("[：﹕∶，｛｝［］＃]")
_OPENING, _CLOSING = "“”„‟«»‘’‚‹›「『", "“”‟«»‘’‹›」』"
_ENDS_ODDLY = re.compile(rf"^[\s{_INVISIBLE}]|[\s{_INVISIBLE}]$")


def called(character: str) -> str:
    """The Unicode name of a character."""
    if character == "\t":
        return "a tab"
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'unnamed').lower()})"


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return called(found[0]) if found else ""


def odd_in(text: str) -> str:
    """The name of the first invisible character or blank other than a space; empty if there is
    none."""
    return _first(_ODD, text)


def lookalike_in(text: str) -> str:
    """The name of the first lookalike of an ASCII character or invisible one; empty if there is
    none.

    Unicode's NFKC maps a lookalike, such as the wide ＠, to ASCII. Letters of other scripts are
    valid.
    """
    for one in text:
        plain = unicodedata.normalize("NFKC", one)
        hidden = (
            unicodedata.category(one) in ("Cf", "Zs", "Zl", "Zp") and one not in " \u200c\u200d"
        )
        if not one.isascii() and (
            hidden or one in _OPENING + _CLOSING or (plain.isascii() and not one.isalpha())
        ):
            return called(one)
    return ""


def plain_of(text: str) -> str:
    """The word that was most likely meant: without invisible characters, blanks and typographic
    quotes."""
    return _ODD.sub("", text).strip(f" {_OPENING}{_CLOSING}")


def oddly_indented(text: str) -> Iterator[tuple[int, int, str]]:
    """Lines that begin with a lookalike of a space or hyphen: line and column from 1, and the
    name."""
    line, read = 1, 0
    for match in _INDENTED_ODDLY.finditer(text):
        start = match.start(1)
        line, read = line + text.count("\n", read, start), start
        yield line, start - text.rfind("\n", 0, start), called(match[1])


def quoted_oddly(text: str) -> bool:
    """Whether it is in typographic quotes."""
    return len(text) > 1 and text[0] in _OPENING and text[-1] in _CLOSING


def mark_in(text: str) -> str:
    """The name of the first colon, comma or bracket that is not ASCII; empty if there is none."""
    return _first(_MARKS, text)


def ends_oddly(text: str) -> str:
    """An addition to a message if either end of the text is invisible; empty otherwise."""
    if not _ENDS_ODDLY.search(text):
        return ""
    where = "begins" if _ENDS_ODDLY.match(text) else "ends"
    character = text[0] if where == "begins" else text[-1]
    return (
        f"it {where} with a space" if character == " " else f"it {where} with {called(character)}"
    )
