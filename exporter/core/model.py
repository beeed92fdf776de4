"""The vocabulary: the parts of a trip and of its outcome.

A trip runs through phases; the steps in a phase show which detail of a protocol takes the time. A
failure is a phase, a step, a reason and a code, all from closed lists, so that they may become
labels. Texts are for people.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from exporter.core.facts import (
    Alteration,
    Answer,
    Arrival,
    ArrivedHeaders,
    Authentication,
    Changes,
    Client,
    Disagreement,
    DnsRecords,
    FilterTest,
    Hop,
    InboxTab,
    LateArrival,
    LeftFrom,
    MailServer,
    SenderCheck,
    SpamScore,
    Unclear,
)
from exporter.core.heartbeat import Heartbeat
from exporter.core.one_line import one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.precision import FINE

MAX_FOLDER = 100  # characters of a folder's name, which is the server's and becomes a label


class ProbeError(Exception):
    """Something outside of mailtrip failed, in the terms of this project.

    Code marks its place with `Run.phase` and `Run.step`; an error has no place. The one exception
    is an error that is raised again later, or in another trip: `Run.located` sets its `phase` and
    `step`.
    """

    phase: Phase | None = None
    step: Step | None = None

    def __init__(
        self, reason: Reason, detail: str, *, code: int | str = "", facts: "tuple[Fact, ...]" = ()
    ) -> None:
        self.reason = reason
        self.facts = facts  # what the failure teaches, such as a certificate's end
        self.detail = one_line(detail)
        self.code = str(code)
        super().__init__(f"{reason}: {self.detail}")

    def at(self, phase: Phase | None, step: Step | None) -> "ProbeError":
        """A copy of the error with its place."""
        error = ProbeError(self.reason, self.detail, code=self.code, facts=self.facts)
        error.phase, error.step, error.__cause__ = phase, step, self.__cause__
        return error


@dataclass(frozen=True, slots=True)
class Span:
    """A time span in a trip: a whole phase (`step` is None) or a step in it. Seconds since its
    start."""

    phase: Phase
    step: Step | None
    start: float
    duration: float
    reason: Reason | None = None  # set when it ended with an error, also with one that was got over
    note: str = ""  # for people: which host, which folder
    late: float = 0.0  # seconds of it by which we ourselves were late

    @property
    def precise(self) -> bool:
        """Whether its duration is a server's, and not our own lateness."""
        return self.late <= FINE.bound(self.duration)


@dataclass(frozen=True, slots=True)
class Reply:
    """The decisive reply: the final one after DATA, or the one that ended the attempt."""

    code: int
    text: str

    @property
    def accepts(self) -> bool:
        """Whether the server took the message."""
        return self.code // 100 == 2


@dataclass(frozen=True, slots=True)
class Exchanger:
    """A mail exchanger of the recipient's domain; as a fact, the one that took the message."""

    host: str
    preference: int
    address: str = ""  # its IP address; empty if it is any of the host's, or was not kept

    def __str__(self) -> str:
        return f"{self.host} [{self.address}]" if self.address else self.host


@dataclass(frozen=True, slots=True)
class PlaintextFallback:
    """The message left in plain text, since TLS with the exchanger that offers it is broken."""

    host: str
    why: str


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """The policy for TLS that the newest exchanger or its domain publishes, as it was followed."""

    policy: str  # dane, mta_sts, none
    mode: str  # enforce, encrypt, testing, unavailable, none
    problem: str = ""  # what is wrong, though the message did not have to be kept back for it

    def __str__(self) -> str:
        return f"{self.policy}, {self.mode}{f': {self.problem}' if self.problem else ''}"


@dataclass(frozen=True, slots=True)
class TlsSession:
    """The TLS parameters agreed on with a server. Version and cipher are empty when its certificate
    was refused. Times are in seconds since the epoch."""

    leg: Leg
    version: str
    cipher: str
    expires_at: float | None  # end of the leaf certificate
    # The earliest end in the chain that was verified, or sent if that was refused.
    chain_expires_at: float | None = None
    issuer: str = ""  # of the leaf certificate
    serial: str = ""
    mailbox: str = ""  # its name, if the trip has two
    host: str = ""  # as configured, or from the MX record
    fingerprint: str = ""  # SHA-256 of the leaf certificate, hexadecimal digits
    # Ours that the server got, or that it did not ask for it; empty if we have none.
    client_certificate: str = ""

    @property
    def place(self) -> str:
        """Which server it is, for people."""
        return f"{self.leg} {self.mailbox}".rstrip()

    @property
    def issued(self) -> str:
        """By whom the leaf certificate was, for people; empty if that is unknown."""
        return f"issued by {self.issuer}, serial number {self.serial}" if self.issuer else ""

    @property
    def ends_above(self) -> float | None:
        """When a certificate above the leaf expires, if that is sooner."""
        above, leaf = self.chain_expires_at, self.expires_at
        return above if above is not None and leaf is not None and above < leaf else None


class ListState(StrEnum):
    """The answer of a blocklist. An unclear answer is unknown, never listed."""

    LISTED = "listed"
    CLEAN = "clean"
    UNKNOWN = "unknown"

    @property
    def in_words(self) -> str:
        """For people; programs read the value."""
        return "not listed" if self is ListState.CLEAN else self.value


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of one blocklist about one address or domain."""

    blocklist: str  # its name, without secrets
    subject: str  # the address or the domain, in its canonical form
    state: ListState
    codes: tuple[str, ...] = ()  # the A records of a listing, sorted
    meanings: tuple[str, ...] = ()  # what those mean, for people
    text: str = ""  # the TXT record of a listing, or why it is unknown
    alarming: bool = True  # False for a list that only informs, or that lists the good ones
    severity: str = ""
    delisting: str = ""  # the page that tells how to get off it
    # When the first check in a row began that found it listed, or had no answer; seconds since the
    # epoch, None if it is clean. A check without an answer does not end a listing.
    since: float | None = None
    listed_since: float | None = None  # of the listing before it was unknown


@dataclass(frozen=True, slots=True)
class QueriedList:
    """How a blocklist behaved when a trip asked it."""

    blocklist: str
    usable: bool
    why: str = ""  # why it is not usable, for people
    # Of the questions that went over the network, self-tests included; seconds.
    durations: tuple[float, ...] = ()
    failures: tuple[
        str, ...
    ] = ()  # words of blocklists/list_status.py: why questions had no answer
    # When the first check in a row began that found it unusable; seconds since the epoch.
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a trip failed."""

    phase: Phase
    step: Step | None
    reason: Reason
    code: str = ""
    detail: str = ""

    def __str__(self) -> str:
        place = f"{self.phase}/{self.step}" if self.step else str(self.phase)
        code = f" {self.code}" if self.code else ""
        return f"{place}: {self.reason}{code}: {self.detail}"


@dataclass(frozen=True, slots=True)
class ExchangerVisit:
    """What became of a message through one address of an exchanger (`each`)."""

    host: str
    preference: int
    address: str  # its IP address; empty if none was found
    success: bool | None  # None: unknown, for a reason that is not the exchanger's
    failure: Failure | None
    sending: float | None = None  # seconds from the start of `send` until it was accepted
    delay: float | None = None  # from then to seen, seconds; None if that is unknown
    tls: TlsSession | None = None
    policy: TlsPolicy | None = None
    plaintext: str = ""  # why it left in plain text, though the exchanger offers TLS
    transcript: tuple[str, ...] = ()  # the newest lines, if it failed

    @property
    def place(self) -> str:
        """The exchanger, for people."""
        return str(Exchanger(self.host, self.preference, self.address))

    @property
    def verdict(self) -> str:
        """For people."""
        if self.failure:
            return f"{'unknown' if self.success is None else 'failed'}: {self.failure}"
        return "OK"


Fact = (
    Reply
    | Exchanger
    | ExchangerVisit
    | PlaintextFallback
    | TlsPolicy
    | TlsSession
    | Hop
    | LeftFrom
    | Client
    | Authentication
    | SenderCheck
    | Disagreement
    | SpamScore
    | FilterTest
    | Arrival
    | Alteration
    | InboxTab
    | Answer
    | ArrivedHeaders
    | LateArrival
    | Unclear
    | Listing
    | QueriedList
    | MailServer
    | DnsRecords
    | Changes
    | Heartbeat
)

_IN_LISTS = FilterTest, Arrival, LateArrival, Listing, QueriedList, Changes, Heartbeat


@dataclass(frozen=True, slots=True)
class ProbeKey:
    """A probe: a module pointed at a target."""

    module: str
    target: str

    def __str__(self) -> str:
        return f"{self.module} → {self.target}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a finished trip, as read by `/metrics`, `/probe`, the pages, the store and the
    log."""

    trip: str
    probe: ProbeKey
    started_at: float  # seconds since the epoch, for people
    duration: float  # seconds
    spans: tuple[Span, ...] = ()
    facts: tuple[Fact, ...] = ()
    failure: Failure | None = None
    transcript: tuple[str, ...] = field(default=(), repr=False)
    recheck: bool = False  # made before its interval was over, since the one before it failed
    planned: bool = False  # it ended in a maintenance window
    trace_id: str | None = None  # 32 hexadecimal digits, if it was sent as a trace

    @property
    def success(self) -> bool:
        return self.failure is None

    @property
    def filter_test(self) -> FilterTest | None:
        """What a filter had to do with the message, if its trip tested one."""
        return next((fact for fact in self.facts if isinstance(fact, FilterTest)), None)

    @property
    def heartbeat(self) -> Heartbeat | None:
        """What it says about a heartbeat: a fact from the start of each trip that looks for one."""
        return next((fact for fact in self.facts if isinstance(fact, Heartbeat)), None)

    @property
    def queried_lists(self) -> bool:
        """Whether queries to blocklists were the whole trip: then its only phase is `verify`. A
        round trip has others before, which its `brief` does not tell."""
        if phases := {span.phase for span in self.spans}:
            return phases == {Phase.VERIFY}
        kinds = {type(fact) for fact in self.facts}
        verified = self.failure is not None and self.failure.phase is Phase.VERIFY
        return (verified or Listing in kinds) and kinds.isdisjoint((Arrival, FilterTest))

    @property
    def finished_at(self) -> float:
        return self.started_at + self.duration

    @property
    def brief(self) -> "Outcome":
        """What a list of probes shows of it: without its spans, its transcript, and the facts about
        its way."""
        facts = tuple(fact for fact in self.facts if isinstance(fact, _IN_LISTS))
        return replace(self, spans=(), facts=facts, transcript=())

    @property
    def legs(self) -> dict[Leg, bool]:
        """The verdict on each leg that was reached. Two legs can fail, though a trip has only one
        failure.

        If the message came back, all legs are OK, whatever else failed.
        """
        if self.heartbeat:
            return self._leg_of_a_look()
        legs: dict[Leg, bool] = {}
        for span in (span for span in self.spans if span.step is None):
            for leg in span.phase.reached:
                legs.setdefault(leg, True)
            if not span.reason or not self.failure:
                continue
            if span.phase is Phase.DELIVER and self.failure.phase is not Phase.DELIVER:
                legs.pop(Leg.DELIVERY, None)  # unknown: it was perhaps never sent
                continue
            if (blamed := span.reason.blames(span.phase)) is None:
                for leg in (span.phase.leg, *span.phase.reached):
                    legs.pop(leg, None)
                continue
            if span.phase is Phase.VERIFY and blamed not in legs:
                continue  # blocklists were asked, and no message was sent
            legs[blamed] = False
            if span.phase is Phase.DELIVER and blamed is Leg.MAILBOX:
                legs.pop(Leg.DELIVERY, None)  # unknown: the mailbox could not be read
        return legs

    def _leg_of_a_look(self) -> dict[Leg, bool]:
        """A look for a heartbeat reads a mailbox, and sends nothing."""
        failure = self.failure
        if failure is None or failure.reason is Reason.MISSING:
            return {Leg.MAILBOX: True}
        blamed = failure.reason.blames(failure.phase)
        return {Leg.MAILBOX: False} if blamed is Leg.MAILBOX else {}


class ProbeRefused(Exception):
    """A refused request for a probe: an HTTP status, a kind that may become a label, one line for
    people."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        self.status = status
        self.kind = kind  # one of metrics.REFUSALS
        super().__init__(one_line(text))
