"""Results of SPF, DKIM, DMARC and ARC in the trusted receiver's Authentication-Results (RFC 8601).

`Received-SPF` (RFC 7208 section 9.1) is ignored: it does not name its author, so the sender may
have forged it. Receivers write their results into Authentication-Results as well.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.core.facts import Authentication
from exporter.mail.headers.receiver import (
    MICROSOFT,
    Header,
    Names,
    each,
    names_below,
    trusted_part,
)

METHODS = ("spf", "dkim", "dmarc", "arc")
RESULTS = frozenset(
    {
        "pass",
        "fail",
        "softfail",
        "neutral",
        "none",
        "policy",
        "temperror",
        "permerror",  # RFC 8601 section 2.7
        "bestguesspass",  # Microsoft's, of DMARC: it would pass, if the domain had a record
    }
)
OTHER = "other"
MAX_LENGTH = 8192  # characters of a header that are read

_OLD = {"hardfail": "fail"}  # RFC 5451, until RFC 6577
_TEXT = re.compile(r'\\.|"(?:[^"\\]|\\.)*"|[(;]|[^\\"(;]+|.', re.DOTALL)
_COMMENT = re.compile(r"\\.|[()]|[^\\()]+|.", re.DOTALL)
_RESULT = re.compile(
    r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE | re.ASCII
)
_PROPERTY = re.compile(r"\bsmtp\s*\.\s*(helo|mailfrom)\s*=", re.IGNORECASE)
_INSTANCE = re.compile(r"\s*i\s*=\s*\d+\s*", re.IGNORECASE | re.ASCII)  # RFC 8617 section 4.1.1


def authentication(headers: Sequence[Header], authserv_id: Names) -> list[Authentication]:
    """One result for each method that the trusted receiver reports.

    The topmost header counts, and the first result in it, with two exceptions. A message may have
    many DKIM signatures, and one valid signature proves its sender. SPF checks the sender
    (smtp.mailfrom) and the name in EHLO (smtp.helo), in one header or in two; the sender's result
    takes precedence.
    """
    trusted = trusted_part(headers, authserv_id)
    found: dict[str, list[_Result]] = {}
    for name, methods in (
        ("authentication-results", METHODS),
        ("arc-authentication-results", ("arc",)),
    ):
        for told in _results(trusted, name, authserv_id):
            for method in methods:
                if method in told and (
                    method not in found or all(result.of_helo for result in found[method])
                ):
                    found[method] = [*told[method], *found.get(method, [])]
    return [
        Authentication(method, _best(method, found[method]))
        for method in METHODS
        if method in found
    ]


@dataclass(frozen=True, slots=True)
class _Result:
    word: str
    of_helo: bool  # of SPF: it is about the name in EHLO


def _results(
    headers: Sequence[Header], wanted: str, authserv_id: Names
) -> Iterator[dict[str, list[_Result]]]:
    own = {name.lower() for name in each(authserv_id)}
    below = tuple(f".{name.lower()}" for name in names_below(headers, authserv_id))
    for name, value in headers:
        if name.lower() == wanted:
            statement = _parsed(value[:MAX_LENGTH])
            if statement.authserv_id in own or statement.authserv_id.endswith(below):
                yield statement.results


def _best(method: str, results: list[_Result]) -> str:
    if method == "dkim" and any(result.word == "pass" for result in results):
        return "pass"
    return next((result.word for result in results if not result.of_helo), results[0].word)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One header."""

    authserv_id: str
    results: dict[str, list[_Result]]


def _parsed(value: str) -> _Statement:
    """Parses `authserv-id [version] *(; method [/version] = result …)`, with comments
    everywhere."""
    parts = _without_comments(value)
    if _INSTANCE.fullmatch(parts[0]):
        parts.pop(0)
    nameless = not parts or _RESULT.match(parts[0])
    authserv_id = MICROSOFT if nameless else next(iter(parts.pop(0).replace('"', " ").split()), "")
    results: dict[str, list[_Result]] = {}
    for part in parts:
        if match := _RESULT.match(part):
            word = _OLD.get(match[2].lower(), match[2].lower())
            of_helo = {of.lower() for of in _PROPERTY.findall(part)} == {"helo"}
            results.setdefault(match[1].lower(), []).append(
                _Result(word if word in RESULTS else OTHER, of_helo)
            )
    return _Statement(authserv_id.lower(), results)


def _without_comments(value: str) -> list[str]:
    """The parts between semicolons, without comments, which may be nested; a quoted string is not a
    comment."""
    parts, place, depth = [""], 0, 0
    while match := (_COMMENT if depth else _TEXT).match(value, place):
        piece, place = match[0], match.end()
        if piece == "(":
            depth += 1
        elif depth:
            depth -= piece == ")"
        elif piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return parts
