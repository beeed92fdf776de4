"""Translates libyaml's errors about invalid YAML for administrators.

libyaml's messages are fixed texts; PyYAML offers no other way to distinguish its errors. An unknown
message is shown unchanged: none of them quotes the file.
"""

from itertools import islice

import yaml

from exporter.config.confusables import mark_in, odd_in, oddly_indented
from exporter.config.mistakes import Place

VARIABLE = (
    "nested braces: variables are not expanded; write the value, or for a secret {file: PATH}"
)
_FIT = (
    "does not fit here: wrong indentation, text after a closing quote, or something unclosed above"
)
_ESCAPE = "no such escape: in double quotes a \\ begins one; use single quotes for text with a \\"
_TAG = "YAML tags are not supported: quote the value"
_ANCHOR = "an unquoted & or * begins an anchor or an alias: quote the value"

_AT_PROBLEM = {
    "found character that cannot start any token": (
        "a value cannot begin with this character: quote it"
    ),
    "mapping values are not allowed in this context": (
        "unexpected colon: wrong indentation, a missing space after a colon above, or a value"
        " that needs quotes"
    ),
    "block sequence entries are not allowed in this context": "a list must begin on its own line",
    "did not find expected key": _FIT,
    "did not find expected <document start>": _FIT,
    "did not find expected '-' indicator": (
        "not an entry of the list: entries begin with - in the same column"
    ),
    "did not find expected node content": "a value is missing here, or needs quotes",
    "found unknown escape character": _ESCAPE,
    "found invalid Unicode character escape code": _ESCAPE,
    "did not find expected hexdecimal number": _ESCAPE,
    "found undefined tag handle": _TAG,
    "did not find expected tag URI": _TAG,
    "did not find expected whitespace or line break": _TAG,
    "did not find expected '!'": _TAG,
    "did not find expected alphabetic or numeric character": _ANCHOR,
    "exceeded maximum nesting depth": "nested deeper than 1000 levels",
    "did not find expected comment or line break": (
        "an unquoted | or > begins text of several lines: quote the value"
    ),
}
_AT_CONTEXT = {
    "could not find expected ':'": "a key without a colon and a space after it",
    "found unexpected end of stream": "this quote is never closed",
    "found unexpected document indicator": "this quote is never closed",
    "did not find expected ',' or ']'": (
        "this [ is not closed, or a comma is missing after an entry"
    ),
    "did not find expected ',' or '}'": (
        "this { is not closed, or a comma is missing after an entry"
    ),
}


MOST_LINES = 20  # of a file that was copied from a web page


def oddly_written(text: str) -> list[tuple[Place, str]]:
    """Positions of lines that begin with a lookalike of a space or hyphen: YAML's errors about them
    mislead."""
    return [
        (
            Place(line, column),
            f"the line begins with {name}: write spaces, and - before the entries of a list",
        )
        for line, column, name in islice(oddly_indented(text), MOST_LINES)
    ]


def unreadable(error: yaml.YAMLError, text: str) -> tuple[Place | None, str]:
    """The position and cause of invalid YAML in `text`."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode()[: error.position].decode(errors="replace").split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        cure = "" if error.character else ": save the file as UTF-8, if it is UTF-16"
        return place, f"control character U+{error.character:04X} is not allowed here{cure}"
    if not isinstance(error, yaml.MarkedYAMLError) or not error.problem_mark:
        return None, "is not YAML"
    problem, mark = error.problem or "", error.problem_mark
    if problem in _AT_CONTEXT and error.context_mark:
        mark = error.context_mark
    message = _AT_CONTEXT.get(problem) or _AT_PROBLEM.get(problem) or f"is not YAML: {problem}"
    if text[mark.index : mark.index + 1] == "\t":
        message = "a tab: indent YAML with spaces"
    lines = text.split("\n")[: mark.line + 1]
    if (column := lines[-1].find("${")) >= 0:
        return Place(mark.line + 1, column + 1), VARIABLE
    near = "\n".join(lines[-2:])
    if odd := odd_in(near) or mark_in(near):
        message += f"; this line or the line above contains {odd}: type it again"
    return Place(mark.line + 1, mark.column + 1), message
