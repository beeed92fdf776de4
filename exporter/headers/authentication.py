"""SPF, DKIM, DMARC and ARC, as the trusted receiver tells them in Authentication-Results (RFC 8601).

`Received-SPF` (RFC 7208 section 9.1) is not read: it does not say who wrote it, so that a sender's own cannot be told
from the receiver's. What receivers find out they write into Authentication-Results as well.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exporter.arrival import Authentication
from exporter.headers.receiver import MICROSOFT, Header, trusted_part

METHODS = ("spf", "dkim", "dmarc", "arc")
RESULTS = frozenset({
    "pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror",  # RFC 8601 section 2.7
    "bestguesspass",  # Microsoft's, of DMARC: it would pass, if the domain had a record
})  # fmt: skip
OTHER = "other"
MAX_LENGTH = 8192  # characters of a header that are read

_OLD = {"hardfail": "fail"}  # RFC 5451, until RFC 6577
_TEXT = re.compile(r'\\.|"(?:[^"\\]|\\.)*"|[(;]|[^\\"(;]+|.', re.DOTALL)
_COMMENT = re.compile(r"\\.|[()]|[^\\()]+|.", re.DOTALL)
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE | re.ASCII)
_INSTANCE = re.compile(r"\s*i\s*=\s*\d+\s*", re.IGNORECASE | re.ASCII)  # RFC 8617 section 4.1.1


def authentication(headers: Sequence[Header], authserv_id: str) -> list[Authentication]:
    """One result for each method that the trusted receiver tells of; of two headers the upper one counts.

    A message may have many DKIM signatures, and one that is good proves its sender.
    """
    trusted = trusted_part(headers, authserv_id)
    found: dict[str, list[str]] = {}
    for name, methods in (("authentication-results", METHODS), ("arc-authentication-results", ("arc",))):
        for told in _results(trusted, name, authserv_id):
            found |= {method: told[method] for method in methods if method in told and method not in found}
    return [Authentication(method, _best(method, found[method])) for method in METHODS if method in found]


def _results(headers: Sequence[Header], wanted: str, authserv_id: str) -> Iterator[dict[str, list[str]]]:
    for name, value in headers:
        if name.lower() == wanted:
            statement = _parsed(value[:MAX_LENGTH])
            if statement.authserv_id == authserv_id.lower():
                yield statement.results


def _best(method: str, results: list[str]) -> str:
    return "pass" if method == "dkim" and "pass" in results else results[0]


@dataclass(frozen=True, slots=True)
class _Statement:
    """One header."""

    authserv_id: str
    results: dict[str, list[str]]


def _parsed(value: str) -> _Statement:
    """`authserv-id [version] *(; method [/version] = result …)`, with comments everywhere."""
    parts = _without_comments(value)
    if _INSTANCE.fullmatch(parts[0]):
        parts.pop(0)
    nameless = not parts or _RESULT.match(parts[0])
    authserv_id = MICROSOFT if nameless else next(iter(parts.pop(0).replace('"', " ").split()), "")
    results: dict[str, list[str]] = {}
    for part in parts:
        if match := _RESULT.match(part):
            word = _OLD.get(match[2].lower(), match[2].lower())
            results.setdefault(match[1].lower(), []).append(word if word in RESULTS else OTHER)
    return _Statement(authserv_id.lower(), results)


def _without_comments(value: str) -> list[str]:
    """The parts between semicolons. A comment may have comments in it, and a quoted string is no comment."""
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
