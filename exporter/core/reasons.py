"""The reasons why a trip fails: one row each, with all their properties.

This table determines docs/metrics.md, the phases in which a counter of a reason that the parts of a
probe name exists from the start, the leg to blame, the severity, the first step, how soon a mailbox
is tried again, whether the next exchanger is tried, and what outages and accounts count. No other
code asks for a reason to learn what follows from it. CONTRIBUTING.md, "A new reason or
step", lists what a new row needs elsewhere.
"""

from enum import Flag, StrEnum, auto

from exporter.core.phases import Leg, Phase
from exporter.core.severity import Severity


class Trait(Flag):
    """A consequence of a reason."""

    OF_A_CONVERSATION = auto()
    """A conversation with any server can fail with it, without TLS and without a login."""
    OF_A_BLOCKLIST_CHECK = auto()
    """A blocklist check can fail with it; its counter exists from the start."""
    OF_A_TOKEN = auto()
    """A request for a token can fail with it; the account's counter exists from the start."""
    BLAMES_DELIVERY = auto()
    """The leg to blame is delivery, in whatever phase it occurs."""
    REFUSES = auto()
    """A mailbox that fails with it does not accept us, now or in a minute: a trip that waits for it
    fails at once."""
    REFUSES_LOGIN = auto()
    """The credentials were refused. Many attempts may lock the account, so they become rare."""
    OF_THE_SERVER = auto()
    """The mailbox's server is down or busy: there is a pause before it is tried again, for a new
    trip, too."""
    WORTH_A_RETRY = auto()
    """An exchanger that fails with it may take the message later: the same trip asks again."""
    ENDS_DELIVERY = auto()
    """An exchanger that fails with it has judged the message, and the next one is not tried. Its
    greeting judges only the client."""
    UNREACHED = auto()
    """The exchanger said nothing: what another one said is reported instead."""
    MAY_BE_OURS = auto()
    """If we ourselves were too late, that may be the cause: then the reason is `starved`."""
    OURS = auto()
    """The cause is in mailtrip itself: the trip is not compared with the good ones before it."""
    TELLS_NOTHING = auto()
    """We learned nothing, neither about mail nor about a server: it is no failed trip, login, token
    or query for what counts those and acts on them, and pauses do not grow."""
    BLAMES_NOBODY = auto()
    """It says nothing about any leg."""
    OF_LISTS = auto()
    """What a blocklist check found out, and not why it could not look."""
    HAS_ITS_ALERT = auto()
    """MailtripFailing leaves it to the alert in its runbook."""


NO_TRAIT = Trait(0)
BY_PHASE = None
_AT_EITHER_SIDE = (Phase.OPEN, Phase.SEND, Phase.DELIVER, Phase.DELETE)
# What keeps a session from opening. One that breaks while a message is awaited may end in the same
# way, but then the next trip fails at `open`.
_ON_ACCESS = (Phase.OPEN, Phase.SEND)


class Reason(StrEnum):
    """Why a trip failed: a closed list, so that it can be a label and a word in an alert."""

    meaning: str
    """For people."""
    first_step: str
    """What to do first, in a line for people."""
    phases: tuple[Phase, ...]
    """Where a round trip fails with it. A rare failure may occur elsewhere, such as an IMAP server
    over quota at `delete`: its counter begins with it."""
    severity: Severity | None
    """For the one who is on call, in whatever phase; None (`BY_PHASE`) if that decides."""
    traits: Trait
    documentation: str
    """Page and heading in docs/ that explain it."""
    runbook: str
    """The alert whose runbook helps first."""

    def __new__(
        cls,
        word: str,
        meaning: str,
        first_step: str,
        phases: tuple[Phase, ...],
        severity: Severity | None,
        traits: Trait,
        documentation: str,
        runbook: str = "MailtripFailing",
    ) -> "Reason":
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.meaning, reason.first_step = meaning, first_step
        reason.phases, reason.severity, reason.traits = phases, severity, traits
        reason.documentation, reason.runbook = documentation, runbook
        return reason

    @classmethod
    def named(cls, word: str) -> "Reason | None":
        """None if another version wrote one that we do not know."""
        return next((one for one in cls if one == word), None)

    def severity_in(self, phase: Phase) -> Severity:
        """The severity of a failure in this phase. At `verify`, a reason for which no round trip
        fails there is that of a blocklist check which could not look: unknown."""
        if self.severity is None and phase is Phase.VERIFY and phase not in self.phases:
            return Severity.UNKNOWN
        return self.severity or phase.severity

    def blames(self, phase: Phase) -> Leg | None:
        """The leg that is to blame for a failure in this phase, for this reason; None if it is
        unknown, or if there was no message."""
        if Trait.BLAMES_NOBODY in self.traits:
            return None
        if phase is Phase.VERIFY and Trait.OF_A_BLOCKLIST_CHECK in self.traits:
            return None
        if phase is not Phase.SEND and Trait.BLAMES_DELIVERY in self.traits:
            return Leg.DELIVERY
        return phase.leg

    DNS = (
        "dns",
        "a name has no address or no answer",
        "Query the name on mailtrip's machine: dig NAME.",
        _ON_ACCESS,
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_A_TOKEN | Trait.UNREACHED,
        "faults.md#names",
    )
    NULL_MX = (
        "null_mx",
        "the domain declares that it accepts no mail (RFC 7505)",
        "Check the address: its domain accepts no mail.",
        (Phase.SEND,),
        BY_PHASE,
        Trait.OF_A_BLOCKLIST_CHECK,
        "faults.md#names",
    )
    CONNECT = (
        "connect",
        "refused, unreachable, no route",
        "Check that the server runs, and the firewalls before it: nc -vz HOST PORT.",
        _ON_ACCESS,
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.OF_A_TOKEN | Trait.OF_THE_SERVER | Trait.UNREACHED,
        "faults.md#the-network",
    )
    TIMEOUT = (
        "timeout",
        "a server did not answer within session_timeout",
        "Check the load and the log of the server, and the network: nc -vz HOST PORT.",
        _AT_EITHER_SIDE,
        BY_PHASE,
        Trait.OF_A_CONVERSATION
        | Trait.OF_A_BLOCKLIST_CHECK
        | Trait.OF_A_TOKEN
        | Trait.OF_THE_SERVER
        | Trait.UNREACHED
        | Trait.MAY_BE_OURS,
        "faults.md#the-network",
    )
    TLS = (
        "tls",
        "required by the server, or not offered by it, handshake failed, certificate refused",
        "Check tls in the configuration, and the certificate: openssl s_client -connect HOST:PORT.",
        _ON_ACCESS,
        BY_PHASE,
        Trait.OF_A_TOKEN | Trait.REFUSES,
        "faults.md#tls",
    )
    POLICY = (
        "policy",
        "TLS with the exchanger is not what the recipient's domain requires (DANE, MTA-STS)",
        "Compare the certificate with the TLSA record or the policy in the failure.",
        (Phase.SEND,),
        BY_PHASE,
        NO_TRAIT,
        "faults.md#tls",
    )
    AUTH = (
        "auth",
        "the credentials were refused, or none of the mechanisms fits",
        "Log in by hand with the same password, then correct the secret.",
        _ON_ACCESS,
        BY_PHASE,
        Trait.OF_A_TOKEN | Trait.REFUSES | Trait.REFUSES_LOGIN | Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    UNAVAILABLE = (
        "unavailable",
        "the server answers, but says that it cannot work now",
        "Look at the log of the server, its limits and its storage.",
        _AT_EITHER_SIDE,
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.WORTH_A_RETRY | Trait.OF_A_TOKEN | Trait.OF_THE_SERVER,
        "faults.md#what-smtp-servers-answer",
    )
    DEFERRED = (
        "deferred",
        "4xx: try again later",
        "Search the log of the server: greylisting, a full disk, a limit.",
        (Phase.SEND,),
        BY_PHASE,
        Trait.WORTH_A_RETRY,
        "faults.md#what-smtp-servers-answer",
    )
    REJECTED = (
        "rejected",
        "5xx: never",
        "Read the answer of the server: a policy, a blocklist, an unknown recipient.",
        _AT_EITHER_SIDE,
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.REFUSES | Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    MAILBOX_FULL = (
        "mailbox_full",
        "over quota",
        "Empty the mailbox of the recipient, or raise its quota.",
        (Phase.SEND,),
        BY_PHASE,
        Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    DISCONNECTED = (
        "disconnected",
        "the connection broke in the middle",
        "Look at the log of the server: a crash, a limit, a ban.",
        _AT_EITHER_SIDE,
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.OF_A_TOKEN | Trait.OF_THE_SERVER | Trait.MAY_BE_OURS,
        "faults.md#the-network",
    )
    PROTOCOL = (
        "protocol",
        "the server's answer is malformed or unexpected",
        "Read what the server said; check host, port and tls in the configuration.",
        # A notification that reports no delivery is known when it has come.
        (*_AT_EITHER_SIDE, Phase.VERIFY),
        BY_PHASE,
        Trait.OF_A_CONVERSATION | Trait.OF_A_TOKEN | Trait.REFUSES,
        "faults.md#what-smtp-servers-answer",
    )
    PROGRAM = (
        "program",
        "the sendmail program failed or cannot be run: the code is its exit code; or a file of the"
        " message cannot be used: the code is `file`",
        "Run the sendmail program, or read the file, as the user of mailtrip.",
        (Phase.SEND,),
        BY_PHASE,
        NO_TRAIT,
        "faults.md#this-machine",
    )
    OVERDUE = (
        "overdue",
        "sent, but not back within timeout",
        "Look at the queues of all servers on the path: mailq.",
        (Phase.DELIVER,),
        BY_PHASE,
        Trait.BLAMES_DELIVERY | Trait.MAY_BE_OURS,
        "faults.md#on-the-way",
    )
    MISSING = (
        "missing",
        "no heartbeat has come within `every`; the mailbox was read",
        "Look at the job that sends it, then at the queue of its mail server: mailq.",
        (Phase.DELIVER,),
        BY_PHASE,
        Trait.BLAMES_NOBODY | Trait.HAS_ITS_ALERT,
        "faults.md#heartbeats",
        "MailtripHeartbeatMissing",
    )
    BOUNCED = (
        "bounced",
        "a delivery status notification (RFC 3464) reported failure; the code is the enhanced one",
        "Read the code and the text of the bounce on the page of the trip.",
        (Phase.DELIVER,),
        BY_PHASE,
        Trait.BLAMES_DELIVERY,
        "faults.md#on-the-way",
    )
    JUNK = (
        "junk",
        "it was filed as spam",
        "Compare the headers with those of an OK trip: SPF, DKIM, spam score.",
        (Phase.VERIFY,),
        BY_PHASE,
        NO_TRAIT,
        "faults.md#on-the-way",
        "MailtripMailJunked",
    )
    ALTERED = (
        "altered",
        "it came, but its text, its HTML or an attachment is not as it was sent",
        "Find the gateway that changes messages, and exempt the probe.",
        (Phase.VERIFY,),
        BY_PHASE,
        NO_TRAIT,
        "faults.md#on-the-way",
    )
    UNAUTHENTICATED = (
        "unauthenticated",
        "a method in `require` did not pass: SPF, DKIM or DMARC; the code names it",
        "Compare the records in DNS with the signature: dig TXT _dmarc.DOMAIN.",
        (Phase.VERIFY,),
        BY_PHASE,
        NO_TRAIT,
        "authentication.md#require",
        "MailtripAuthenticationNoLongerPasses",
    )
    LISTED = (
        "listed",
        "a blocklist lists the address or the domain",
        "Open the page of the list, and ask it to remove the entry.",
        (),
        Severity.CRITICAL,
        Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_LISTS | Trait.HAS_ITS_ALERT,
        "blocklists.md#when-you-are-listed",
        "MailtripListed",
    )
    UNUSABLE = (
        "unusable",
        "no blocklist could be queried",
        "Check the resolver: most lists refuse the queries of public ones.",
        (),
        Severity.UNKNOWN,
        Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_LISTS | Trait.MAY_BE_OURS | Trait.HAS_ITS_ALERT,
        "blocklists.md#three-states",
        "MailtripNoListUsable",
    )
    ACCEPTED = (
        "accepted",
        "a server or a filter let it through (`expect`); the code names the payload",
        "Check that the filter runs, and that messages on this path pass it.",
        (Phase.SEND, Phase.VERIFY),
        Severity.CRITICAL,
        NO_TRAIT,
        "faults.md#filters",
        "MailtripFilterLetThrough",
    )
    STARVED = (
        "starved",
        "mailtrip itself was too late, since it had too little processor time; mail may be fine",
        "Give mailtrip more processor time. Mail may be fine.",
        _AT_EITHER_SIDE,
        Severity.UNKNOWN,
        Trait.OF_A_BLOCKLIST_CHECK
        | Trait.ENDS_DELIVERY
        | Trait.OURS
        | Trait.TELLS_NOTHING
        | Trait.BLAMES_NOBODY
        | Trait.HAS_ITS_ALERT,
        "alerts.md#mailtripoverloaded",
        "MailtripOverloaded",
    )
    INTERNAL = (
        "internal",
        "a bug in mailtrip: see the log",
        "Look at the log of mailtrip, and report the bug.",
        tuple(Phase),
        Severity.UNKNOWN,
        Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_A_TOKEN | Trait.ENDS_DELIVERY | Trait.OURS,
        "alerts.md#mailtripfailing",
    )


OF_A_CONVERSATION = frozenset(one for one in Reason if Trait.OF_A_CONVERSATION in one.traits)


def severity_of(phase: str, reason: str) -> Severity:
    """The severity of a failure, which another version may have written."""
    place, known = next((one for one in Phase if one == phase), None), Reason.named(reason)
    if known and place:
        return known.severity_in(place)
    severity = known.severity if known else place and place.severity
    return severity or Severity.CRITICAL
