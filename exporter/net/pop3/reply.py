"""The replies of a POP3 server, and their meaning. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.transient_refusals import passes

_STATUS = re.compile(
    r"(\+OK|[-+]ERR)(?![A-Z0-9])[ \t]*(?:\[([A-Z0-9/-]{1,40})\][ \t]*)?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER = re.compile(r"\d{1,10}")
LONGEST = 2000  # bytes of a line that names a message
_MOST_WORDS = 1000  # characters of what a server says to people, who read less of it
_EMPTY = re.compile(
    r"\b(empty|no (new )?(messages|mail)|0 messages|zero messages|nothing to list)\b", re.IGNORECASE
)
_NO_MESSAGE = re.compile(
    r"no such|no message|delet|expunge|not (found|exist)|n't exist|(bad|invalid|unknown)"
    r" (message|msg)|gone|range",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\d{1,10} (\d{1,15})\b")
_REASONS = {  # RFC 2449 section 8.1, RFC 3206
    "AUTH": Reason.AUTH,
    "IN-USE": Reason.UNAVAILABLE,
    "LOGIN-DELAY": Reason.UNAVAILABLE,
    "SYS/TEMP": Reason.UNAVAILABLE,
    "SYS/PERM": Reason.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status line. One that is neither +OK nor -ERR is a challenge, as in AUTH."""

    server: str
    status: str  # +OK, -ERR or +
    code: str  # the response code, in capitals
    text: str

    @property
    def ok(self) -> bool:
        return self.status == "+OK"

    @property
    def continues(self) -> bool:
        return self.status == "+"

    @property
    def coded(self) -> bool:
        """Whether a refusal has a response code."""
        return self.code in _REASONS

    @property
    def says_empty(self) -> bool:
        """Whether this refuses to list an empty maildrop, as some servers do."""
        return not self.ok and _EMPTY.search(self.text) is not None

    @property
    def says_gone(self) -> bool:
        """Whether this refuses a message that no longer exists."""
        return not self.ok and _NO_MESSAGE.search(self.text) is not None

    def expect(self, doing: str, refused: Reason) -> None:
        """Raises ProbeError for a refusal, by its code; `refused` if it has none and does not seem
        temporary, such as too many connections."""
        if self.ok:
            return
        if self.continues:
            raise ProbeError(
                Reason.PROTOCOL,
                f"unexpected continuation request from {self.server} during {doing}: {self.text}",
            )
        words = self.refusal(doing)
        raise ProbeError(self._reason or refused, words, code=self.code if self.coded else "")

    def refusal(self, doing: str) -> str:
        """What this refuses, for people."""
        detail = " ".join(filter(None, (f"[{self.code}]" if self.code else "", self.text)))
        return f"{self.server} refuses {doing}{f': {detail}' if detail else ' and gives no reason'}"

    @property
    def _reason(self) -> Reason | None:
        if self.coded:
            return _REASONS[self.code]
        return Reason.UNAVAILABLE if passes(self.text) else None


def reply_in(server: str, line: str) -> Reply | None:
    """Parses a line; None if it is not a reply."""
    if match := _STATUS.fullmatch(line):
        # HMailServer (pull request 594): a refusal all the same.
        status = match[1].upper().replace("+ERR", "-ERR")
        return Reply(server, status, (match[2] or "").upper(), match[3][:_MOST_WORDS])
    return (
        Reply(server, "+", "", line[1:].strip()) if line == "+" or line.startswith("+ ") else None
    )


def capabilities_in(data: bytes) -> dict[str, list[str]]:
    """Parses the answer to CAPA."""
    found: dict[str, list[str]] = {}
    for words in (line.upper().split() for line in data.decode("ascii", "replace").splitlines()):
        if words:
            found.setdefault(words[0], []).extend(words[1:])
    return found


class UniqueIds:
    """The answer to UIDL, line by line.

    Lines that RFC 1939 section 7 does not allow are ignored, with their messages, and do not affect
    others. Ids may be longer than 70 characters and contain any character except white space.
    """

    def __init__(self) -> None:
        self.odd: list[bytes] = []  # lines that name no message, or one that was named before
        self._ids: dict[int, str] = {}
        self._short: set[str] = set()

    def add(self, line: bytes) -> None:
        number, _, rest = line.decode("latin-1").strip().replace("\t", " ").partition(" ")
        rest = rest.strip()
        if rest and _NUMBER.fullmatch(number) and int(number) not in self._ids:
            self._ids[int(number)] = rest
            self._short.add(rest.split(None, 1)[0] if " " in rest else rest)
        elif line.strip():
            self.odd.append(line)

    def found(self) -> Iterator[tuple[int, str]]:
        """The number and the unique id of every message. Text after an id is part of it if it is
        not unique otherwise. Raises ValueError with a line if all are invalid."""
        if self.odd and not self._ids:
            raise ValueError(f"an invalid line: {self.odd[0][:80].decode('ascii', 'replace')}")
        unique = len(self._short) == len(self._ids)
        for number, text in self._ids.items():
            yield number, text.split(None, 1)[0] if unique and " " in text else text


def lines_in(data: bytes) -> Iterator[bytes]:
    """Yields the lines of an answer, which may have millions; only the beginning of a long one."""
    place = 0
    while place < len(data):
        end = data.find(b"\n", place) + 1 or len(data)
        yield data[place : min(end, place + LONGEST)].rstrip(b"\r\n")
        place = end


def size_in(reply: Reply) -> int | None:
    """Parses the answer to LIST with a number."""
    match = _SIZE.match(reply.text) if reply.ok else None
    return int(match[1]) if match else None
