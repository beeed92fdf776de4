"""Facts from an arrived message: where and when it was found, and what servers wrote into it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.home import Home
from exporter.core.timing.durations import in_units

_SECRET = re.compile(
    r"authorization|api-?key|secret|passw(or)?d|cookie|credential|(?<!mailtrip-)token",
    re.IGNORECASE,
)


def is_secret(header: str) -> bool:
    """Whether the value of this header is secret. Our own token is hidden separately."""
    return _SECRET.search(header) is not None


WHY_UNMEASURED = "the mailbox was not polled often enough, or mailtrip itself was late"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where and when the message was found. A duration is None if the mailbox was not polled often
    enough then, or mailtrip itself was late."""

    folder: str
    found_in: str  # header, subject, body, attachment, references or recipient
    delay: float | None  # from the server's final 250 to seen, seconds
    round_trip: float | None  # from the start of `send` to seen, seconds
    junk: bool = False  # it was in the folder for spam


@dataclass(frozen=True, slots=True)
class Answer:
    """What came home instead of the message, and when it was written, by the clock of who wrote it,
    in whole seconds. Texts are cleaned and cut, for people."""

    home: Home
    sender: str
    text: str  # its subject, or what a notification says
    at: float | None  # seconds since the epoch; None if it has no readable time
    there: float | None  # from the server's final 250 to that time, seconds; None if unknown
    back: float | None  # from then to seen, seconds; None if unknown
    error: float | None  # seconds by which both may be wrong, even if the clocks agree
    # Seconds by which that clock is ahead of ours, at least; negative if it is behind. None if they
    # may agree.
    ahead: float | None

    def __str__(self) -> str:
        return f"{_HOMES[self.home]} from {self.sender}: {self.text}"

    @property
    def legs(self) -> str:
        """How long the two legs took, for people."""
        if self.there is None:
            if self.ahead is None:
                return "unknown: it has no readable time, or mailtrip was restarted"
            way = "ahead of" if self.ahead > 0 else "behind"
            return f"unknown: its clock is {abs(self.ahead):.0f} s or more {way} ours"
        back = "unknown" if self.back is None else f"{self.back:.2f} s"
        return f"there {self.there:.2f} s, back {back}; ± {self.error:.2f} s if its clock is right"


_HOMES = {Home.REPLY: "answer", Home.DELIVERY_STATUS: "notification"}
_PAYLOADS = {
    "gtube": "test spam (GTUBE)",
    "eicar": "a test virus (EICAR)",
    "forged_from": "a forged sender",
    "blocked_attachment": "a forbidden attachment",
}
_EXPECTED = {
    "code": ("be refused", "refused as expected", "have been refused"),
    "junk": ("be filed as spam", "filed as spam, as expected", "have been filed as spam"),
    "lost": ("not arrive", "not delivered, as expected", "not have arrived"),
}
"""What must happen, what has happened, and what should have happened."""


@dataclass(frozen=True, slots=True)
class FilterTest:
    """What a filter must do with the message (`expect`), and what the message carries for it."""

    expected: str  # code, junk or lost
    payload: str = ""  # gtube, eicar, forged_from or blocked_attachment; empty: nothing

    def __str__(self) -> str:
        return f"{self.carried} must {_EXPECTED[self.expected][0]}"

    @property
    def carried(self) -> str:
        """What the filter is tested with, for people."""
        return _PAYLOADS.get(self.payload, "the message")

    @property
    def met(self) -> str:
        """What has happened if the trip succeeded."""
        return _EXPECTED[self.expected][1]

    @property
    def may_arrive(self) -> bool:
        """Whether the message should be in the mailbox, and how long that takes says something."""
        return self.expected == "junk"

    def let_through(self, folder: str, *, removed: bool = False) -> str:
        """What has happened if the filter failed. `removed`: the message came without its
        payload."""
        where = f" in {folder}" if folder else ""
        without = ", without its payload" if removed else ""
        return (
            f"the filter let {self.carried} through: it arrived{where}{without}, and should"
            f" {_EXPECTED[self.expected][2]}"
        )


@dataclass(frozen=True, slots=True)
class InboxTab:
    """The tab of the inbox under which the mailbox shows the message."""

    # A word of the provider. Gmail: primary, social, promotions, updates, forums; Microsoft 365:
    # focused, other.
    tab: str


class Altered(StrEnum):
    """What happened to a part of the message."""

    CHANGED = "changed"
    REMOVED = "removed"


_PARTS = {
    "text": "the text of the message was",
    "html": "the HTML of the message was",
    "links": "the links in the HTML of the message were",
}


@dataclass(frozen=True, slots=True)
class Alteration:
    """A part of the message that did not come as it was sent."""

    part: str  # text, html, links (those in the HTML), or attachment
    how: Altered
    number: int = 0  # of the attachment, from 1 on
    name: str = ""  # of the attachment, if it is known

    def __str__(self) -> str:
        attached = f"the attachment {self.name or self.number} was"
        return f"{_PARTS.get(self.part, attached)} {self.how}"


@dataclass(frozen=True, slots=True)
class Unclear:
    """A message that refers to ours, but is neither ours nor a notice that we understand. Texts are
    cleaned and cut, for people."""

    sender: str
    subject: str
    text: str  # how it begins


@dataclass(frozen=True, slots=True)
class ArrivedHeaders:
    """The headers of the message as it arrived, for people: unfolded, clean, cut (see
    mail/headers/shown.py).

    If the message was attached to another one, the outer headers come first, then an empty line and
    the inner ones, down to ours.
    """

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """A server that took the message, by its `Received` header (mail/headers/received.py). Missing
    values are empty or None.

    Times are from the servers' own clocks, in whole seconds.
    """

    number: int  # 1 is the first server that took it
    by: str  # the server's name, host characters only
    helo: str  # how the one before introduced itself
    address: str  # the IP address that it came from
    protocol: str
    at: float | None  # seconds since the epoch
    delay: float | None  # since the hop before, seconds; never negative, never longer than the trip
    # Seconds by which its clock is behind that of the hop before; 0 when they may agree.
    skew: float | None


@dataclass(frozen=True, slots=True)
class LateArrival:
    """The message came after its trip had failed as overdue. The servers on its way and its headers
    are as in `Hop` and `ArrivedHeaders`."""

    at: float  # when it was seen, seconds since the epoch
    delay: float | None  # from the server's final 250 to seen, seconds; None if that is unknown
    folder: str
    hops: tuple[Hop, ...]
    headers: tuple[str, ...]

    def __str__(self) -> str:
        after = "" if self.delay is None else f", {in_units(self.delay)} after it was accepted"
        servers = ", ".join(hop.by for hop in self.hops if hop.by)
        return f"the message arrived late{after}{servers and f', by way of {servers}'}"


@dataclass(frozen=True, slots=True)
class LeftFrom:
    """The IP address that sent the mail, as the receiving server saw it (see
    mail/headers/receiver.py)."""

    address: str


@dataclass(frozen=True, slots=True)
class Client:
    """The SMTP client that delivered a message, as the receiving server saw it. Texts are the
    client's own, and may be anything."""

    address: str  # its IP address, without a zone
    helo: str  # how it called itself in EHLO
    sender: str  # the address in MAIL FROM, without its brackets; empty for a bounce
    # Empty without TLS, and if a header does not tell.
    tls_version: str = ""
    tls_cipher: str = ""

    def __str__(self) -> str:
        tls = f"{self.tls_version} {self.tls_cipher}" if self.tls_version else "without TLS"
        return f"{self.helo} [{self.address}] for <{self.sender}>, {tls}"


@dataclass(frozen=True, slots=True)
class Authentication:
    """What the trusted receiver says of the sender (RFC 8601). The words are defined in
    mail/headers/authentication.py."""

    method: str  # spf, dkim, dmarc or arc
    result: str  # pass, fail, softfail, …, or other


@dataclass(frozen=True, slots=True)
class SenderCheck:
    """The result of our own check of the sender. Its words are defined in
    authentication/verdict.py; texts are cleaned and cut, for people."""

    method: str  # spf, dkim, dmarc, arc or iprev
    domain: str  # who answers for the message
    result: str
    why: str
    record: str  # the name in DNS that decided it, or that should have the missing record

    def __str__(self) -> str:
        return f"{self.result}: {self.why}" if self.why else self.result


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The trusted receiver and we come to different results."""

    method: str
    header_result: str
    local_result: str

    def __str__(self) -> str:
        return f"the receiver says {self.header_result}, mailtrip {self.local_result}"


@dataclass(frozen=True, slots=True)
class SpamScore:
    """The spam score of one scanner, on its own scale."""

    scanner: str  # a word of mail/headers/spam.py
    score: float


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server that the message was given to, or was to be given to. Texts are its own, cleaned and
    cut."""

    host: str  # as configured, or from the MX record
    addresses: tuple[str, ...]  # that the host has, sorted; none with a proxy, which resolves it
    calls_itself: str = ""  # in its reply to EHLO; empty if it did not come so far
    sees_us_as: str = ""  # our address, if that reply says it
    address: str = ""  # of `addresses`, the one that we connected to; empty if none answered
    proxy: str = ""  # the URL of the proxy that connects to it, without its password

    def __str__(self) -> str:
        name = f", calls itself {self.calls_itself}" if self.calls_itself else ""
        us = f", sees us as {self.sees_us_as}" if self.sees_us_as else ""
        where = (
            f"through the proxy {self.proxy}" if self.proxy else f"[{', '.join(self.addresses)}]"
        )
        return f"{self.host} {where}{name}{us}"


class RecordKind(StrEnum):
    """The records in DNS by which mail is sent and judged."""

    MX = "exchangers"
    SPF = "spf"
    DMARC = "dmarc"
    DKIM = "dkim"


@dataclass(frozen=True, slots=True)
class DnsRecords:
    """The records of a name, as they were during the trip."""

    kind: RecordKind
    name: str
    texts: tuple[str, ...]  # sorted, cleaned and cut; empty if there are none

    def __str__(self) -> str:
        return f"{self.name}: {'; '.join(self.texts) or 'none'}"


@dataclass(frozen=True, slots=True)
class Change:
    """What was otherwise in the good trips before. Values are cleaned and cut, for people."""

    what: str  # a word of core/comparison/circumstances.py
    about: str  # of which host, name or scanner; empty if there is only one
    before: tuple[str, ...]  # in the newest good trip that knows it
    after: tuple[str, ...]

    @property
    def new(self) -> tuple[str, ...]:
        return tuple(one for one in self.after if one not in self.before)

    @property
    def gone(self) -> tuple[str, ...]:
        return tuple(one for one in self.before if one not in self.after)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a trip met otherwise than the good trips before it."""

    good_trip: str  # the newest of them
    good_trip_at: float  # its start, seconds since the epoch
    changes: tuple[Change, ...]  # the most telling first
    unchanged: tuple[str, ...]  # what was compared and is as before, for people
    listed: tuple[str, ...]  # blocklists that list the leaving address; since when is unknown
