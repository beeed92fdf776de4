"""The result of an IMAP command, and its meaning."""

import re
from dataclasses import dataclass

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.imap.reader import Response

_REASONS = {  # RFC 5530, RFC 9208
    **dict.fromkeys(
        ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"), Reason.UNAVAILABLE
    ),  # it may work later
    "OVERQUOTA": Reason.MAILBOX_FULL,
}
_FINAL = frozenset(
    {
        "AUTHENTICATIONFAILED",
        "AUTHORIZATIONFAILED",
        "EXPIRED",
        "PRIVACYREQUIRED",
        "CONTACTADMIN",
        "NOPERM",
        "EXPUNGEISSUED",
        "CORRUPTION",
        "CLIENTBUG",
        "CANNOT",
        "NONEXISTENT",
        "ALREADYEXISTS",
    }
)
_CODES = _REASONS.keys() | _FINAL

# words about the account, or about too many wrong passwords: to try soon makes it worse
_ACCOUNT = re.compile(
    r"credential|password|passphrase|attempts|locked|blocked|banned|suspended|disabled|expired|invalid"
    r" user"
    r"|unknown user|no such user|web ?login",
    re.IGNORECASE,
)
# Microsoft 365, Exchange, Gmail, Yahoo, Dovecot, Cyrus, Courier, Zimbra, and others
_PASSING = re.compile(
    r"too many (simultaneous |concurrent |open"
    r" )*(connections|sessions|clients|logins|users|requests|commands)"
    r"|(connection|session|rate|command|bandwidth)s? limit|maximum (number of"
    r" )?(connections|sessions)|throttl"
    r"|(server|service|system|mailbox|backend|temporarily|currently|database) (is )?(temporarily"
    r" |currently |now )?"
    r"(unavailable|not available|overloaded|down)|\bbusy\b|overload|slow down|temporar|not"
    r" connected|back-?(end|off)"
    r"|timed? ?out|timeout|server ?bug|internal (server )?(error|failure)|internal authentication"
    r" failure|server error"
    r"|system error|unexpected error|i/o error|maintenance|shutting down|starting up|in use|being"
    r" used"
    r"|lock(ing)? (failed|error)|unable to (lock|connect|contact|reach|open connection)"
    r"|(can ?not|can't|could not|couldn't) (connect|contact|reach|lock)|connection"
    r" (refused|reset|lost|closed)"
    r"|out of memory|resources?\b|upstream",
    re.IGNORECASE,
)
_LATER = re.compile(r"try (it )?again|\blater\b|\bretry", re.IGNORECASE)
_FAILED = re.compile(
    r"failed log|log ?in (has )?failed|authentication failed|denied", re.IGNORECASE
)
_MECHANISM = re.compile(
    r"(mechanism|method|command|\blogin\b|authenticate|sasl|plain ?text|clear ?text|initial["
    r" -]response)[^.]*"
    r"(not"
    r" (supported|enabled|allowed|available|permitted|implemented|recognized|understood)"
    r"|unsupported|disabled"
    r"|unknown|unrecognized|invalid)"
    r"|(unsupported|unknown|unrecognized|disabled|invalid|not"
    r" supported)[^.]*(mechanism|method|command|sasl|initial)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to a command. aioimaplib's coroutines read `result` and `lines`."""

    server: str
    result: str  # OK, NO or BAD
    code: str  # the response code, in capitals
    text: str
    lines: list[Response]  # the data, which comes first

    @property
    def passing(self) -> bool:
        """Whether a refusal is probably temporary: by its code (RFC 5530), or by known texts of
        servers."""
        if self.result == "OK" or self.code in _FINAL or self.code == "OVERQUOTA":
            return False
        if self.code in _REASONS or _ACCOUNT.search(self.text):
            return self.code in _REASONS
        return bool(
            _PASSING.search(self.text)
            or (_LATER.search(self.text) and not _FAILED.search(self.text))
        )

    @property
    def mechanism_refused(self) -> bool:
        """Whether the mechanism was refused, before the credentials were checked."""
        if self.result == "OK" or self.code in _FINAL or self.passing:
            return False
        if self.result == "BAD":
            return not _ACCOUNT.search(self.text) and not re.search(
                "authentication fail", self.text, re.IGNORECASE
            )
        return bool(_MECHANISM.search(self.text))

    def no_greeting(self) -> ProbeError:
        """The error for this greeting: BYE or NO usually means too many connections."""
        code = self.code if self.code in _CODES else ""
        detail = f"[{self.code}] {self.text}" if self.code else self.text
        if self.result not in ("BYE", "NO"):
            words = f": {detail}" if detail else ""
            return ProbeError(
                Reason.PROTOCOL, f"{self.server} sent a greeting that is not IMAP{words}"
            )
        if self.code in _FINAL:
            return ProbeError(
                Reason.REJECTED, f"{self.server} refuses the connection: {detail}", code=code
            )
        return ProbeError(
            Reason.UNAVAILABLE, f"{self.server} accepts no connections now: {detail}", code=code
        )

    def data(self, doing: str, refused: Reason = Reason.REJECTED) -> list[Response]:
        """The data of a success. Raises ProbeError for a refusal, by its code, otherwise by its
        text."""
        if self.result == "OK":
            return self.lines
        code = self.code if self.code in _CODES else ""
        detail = f"[{self.code}] {self.text}" if self.code else self.text
        if self.passing:
            raise ProbeError(
                Reason.UNAVAILABLE, f"{self.server} refuses {doing} for now: {detail}", code=code
            )
        if self.result == "BAD":
            raise ProbeError(
                Reason.PROTOCOL, f"{self.server} does not understand {doing}: {detail}", code=code
            )
        reason = _REASONS.get(self.code, refused)
        raise ProbeError(reason, f"{self.server} refuses {doing}: {detail}", code=code)

    def what_is_left(self, doing: str) -> list[Response]:
        """Like `data`, but some messages may be missing, which only some servers call a success
        (RFC 5530)."""
        return self.lines if self.code == "EXPUNGEISSUED" else self.data(doing)
