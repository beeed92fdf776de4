"""The end of an IMAP command, and what it means."""

from dataclasses import dataclass

from exporter.model import ProbeError, Reason
from exporter.net.imap_reader import Response

_REASONS = {  # RFC 5530, RFC 9208
    **dict.fromkeys(("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"), Reason.UNAVAILABLE),  # it may work later
    "OVERQUOTA": Reason.MAILBOX_FULL,
}
_CODES = _REASONS.keys() | {
    "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "NOPERM",
    "EXPUNGEISSUED", "CORRUPTION", "CLIENTBUG", "CANNOT", "NONEXISTENT", "ALREADYEXISTS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers to a command. `result` and `lines` are what aioimaplib's coroutines look at."""

    server: str
    result: str  # OK, NO or BAD
    code: str  # the response code, in capitals
    text: str
    lines: list[Response]  # the data, which comes first

    def data(self, doing: str, refused: Reason = Reason.REJECTED) -> list[Response]:
        """The data of a success. Otherwise raises what the refusal means, judged by its code and never by its text."""
        if self.result == "OK":
            return self.lines
        code = self.code if self.code in _CODES else ""
        detail = f"[{self.code}] {self.text}" if self.code else self.text
        if self.result == "BAD":
            raise ProbeError(Reason.PROTOCOL, f"{self.server} does not understand {doing}: {detail}", code=code)
        reason = _REASONS.get(self.code, refused)
        raise ProbeError(reason, f"{self.server} refuses {doing}: {detail}", code=code)

    def what_is_left(self, doing: str) -> list[Response]:
        """The same, but some of the messages may be gone; servers differ in whether that is a success (RFC 5530)."""
        return self.lines if self.code == "EXPUNGEISSUED" else self.data(doing)
