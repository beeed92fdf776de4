"""What a POP3 server says, and what it means. Pure."""

import re
from dataclasses import dataclass

from exporter.model import ProbeError, Reason

_STATUS = re.compile(r"(\+OK|-ERR)(?![A-Z0-9])[ \t]*(?:\[([A-Z0-9/-]{1,40})\][ \t]*)?(.*)", re.IGNORECASE | re.DOTALL)
_UNIQUE_ID = re.compile(rb"[ \t]*(\d{1,10})[ \t]+([\x21-\x7e]{1,1000})[ \t]*")  # RFC 1939 allows 70, servers send more
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
    """A status line. One that neither agrees nor refuses asks for more, as AUTH does."""

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
        """Whether a refusal tells what it means."""
        return self.code in _REASONS

    def expect(self, doing: str, refused: Reason) -> None:
        """Raises what a refusal means, judged by its code and never by its text; `refused` if it has none."""
        if self.ok:
            return
        if self.continues:
            raise ProbeError(Reason.PROTOCOL, f"{self.server} asks for more at {doing}: {self.text}")
        detail = f"[{self.code}] {self.text}" if self.code else self.text
        code = self.code if self.coded else ""
        raise ProbeError(_REASONS.get(self.code, refused), f"{self.server} refuses {doing}: {detail}", code=code)


def reply_in(server: str, line: str) -> Reply | None:
    """The reply that a line is; None if it is none."""
    if match := _STATUS.fullmatch(line):
        return Reply(server, match[1].upper(), (match[2] or "").upper(), match[3])
    return Reply(server, "+", "", line[1:].strip()) if line == "+" or line.startswith("+ ") else None


def capabilities_in(data: bytes) -> dict[str, list[str]]:
    """The answer to CAPA."""
    lines = (line.upper().split() for line in data.decode("ascii", "replace").splitlines())
    return {words[0]: words[1:] for words in lines if words}


def unique_ids_in(data: bytes) -> list[tuple[int, str]]:
    """The answer to UIDL. Raises ValueError with the line that is none."""
    found = []
    for line in data.splitlines():
        if not (match := _UNIQUE_ID.fullmatch(line)):
            raise ValueError(f"a line that is none: {line[:80].decode('ascii', 'replace')}")
        found.append((int(match[1]), match[2].decode()))
    return found


def size_in(reply: Reply) -> int | None:
    """The answer to LIST with a number."""
    match = _SIZE.match(reply.text) if reply.ok else None
    return int(match[1]) if match else None
