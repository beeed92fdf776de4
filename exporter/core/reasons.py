"""The reasons why a trip fails: one row each, with all their properties.

This table determines docs/metrics.md, the phases in which a counter of a reason that the parts of a
probe name exists from the start, the leg to blame, how soon a mailbox is tried again, whether the
next exchanger is tried, and what accounts count. A new reason is one row here, one row of the fault
atlas, and a line in its runbook.
"""

from enum import Flag, StrEnum, auto

from exporter.core.phases import Leg, Phase


class Trait(Flag):
    """A consequence of a reason."""

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
    ENDS_DELIVERY = auto()
    """An exchanger that fails with it has judged the message, and the next one is not tried. Its
    greeting judges only the client."""
    UNREACHED = auto()
    """The exchanger said nothing: what another one said is reported instead."""
    MAY_BE_OURS = auto()
    """If we ourselves were too late, that may be the cause: then the reason is `starved`."""
    BLAMES_NOBODY = auto()
    """It says nothing about any leg."""


NO_TRAIT = Trait(0)
_AT_EITHER_SIDE = (Phase.OPEN, Phase.SEND, Phase.DELIVER, Phase.DELETE)
# What keeps a session from opening. One that breaks while a message is awaited may end in the same
# way, but then the next trip fails at `open`.
_ON_ACCESS = (Phase.OPEN, Phase.SEND)


class Reason(StrEnum):
    """Why a trip failed: a closed list, so that it can be a label and a word in an alert."""

    meaning: str
    """For people."""
    phases: tuple[Phase, ...]
    """Where a round trip fails with it. A rare failure may occur elsewhere, such as an IMAP server
    over quota at `delete`: its counter begins with it."""
    traits: Trait
    documentation: str
    """Page and heading in docs/ that explain it."""
    runbook: str
    """The alert whose runbook helps first."""

    def __new__(
        cls,
        word: str,
        meaning: str,
        phases: tuple[Phase, ...],
        traits: Trait,
        documentation: str,
        runbook: str = "MailtripFailing",
    ) -> "Reason":
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.meaning, reason.phases, reason.traits = meaning, phases, traits
        reason.documentation, reason.runbook = documentation, runbook
        return reason

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
        _ON_ACCESS,
        Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_A_TOKEN | Trait.UNREACHED,
        "faults.md#names",
    )
    NULL_MX = (
        "null_mx",
        "the domain declares that it accepts no mail (RFC 7505)",
        (Phase.SEND,),
        Trait.OF_A_BLOCKLIST_CHECK,
        "faults.md#names",
    )
    CONNECT = (
        "connect",
        "refused, unreachable, no route",
        _ON_ACCESS,
        Trait.OF_A_TOKEN | Trait.OF_THE_SERVER | Trait.UNREACHED,
        "faults.md#the-network",
    )
    TIMEOUT = (
        "timeout",
        "a server did not answer within session_timeout",
        _AT_EITHER_SIDE,
        Trait.OF_A_BLOCKLIST_CHECK
        | Trait.OF_A_TOKEN
        | Trait.OF_THE_SERVER
        | Trait.UNREACHED
        | Trait.MAY_BE_OURS,
        "faults.md#the-network",
    )
    TLS = (
        "tls",
        "not offered, handshake failed, certificate refused",
        _ON_ACCESS,
        Trait.OF_A_TOKEN | Trait.REFUSES,
        "faults.md#tls",
    )
    POLICY = (
        "policy",
        "TLS with the exchanger is not what the recipient's domain requires (DANE, MTA-STS)",
        (Phase.SEND,),
        NO_TRAIT,
        "faults.md#tls",
    )
    AUTH = (
        "auth",
        "the credentials were refused, or none of the mechanisms fits",
        _ON_ACCESS,
        Trait.OF_A_TOKEN | Trait.REFUSES | Trait.REFUSES_LOGIN | Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    UNAVAILABLE = (
        "unavailable",
        "the server answers, but says that it cannot work now",
        _AT_EITHER_SIDE,
        Trait.OF_A_TOKEN | Trait.OF_THE_SERVER,
        "faults.md#what-smtp-servers-answer",
    )
    DEFERRED = (
        "deferred",
        "4xx: try again later",
        (Phase.SEND,),
        NO_TRAIT,
        "faults.md#what-smtp-servers-answer",
    )
    REJECTED = (
        "rejected",
        "5xx: never",
        _AT_EITHER_SIDE,
        Trait.REFUSES | Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    MAILBOX_FULL = (
        "mailbox_full",
        "over quota",
        (Phase.SEND,),
        Trait.ENDS_DELIVERY,
        "faults.md#what-smtp-servers-answer",
    )
    DISCONNECTED = (
        "disconnected",
        "the connection broke in the middle",
        _AT_EITHER_SIDE,
        Trait.OF_A_TOKEN | Trait.OF_THE_SERVER | Trait.MAY_BE_OURS,
        "faults.md#the-network",
    )
    PROTOCOL = (
        "protocol",
        "the server's answer is malformed or unexpected",
        # A notification that reports no delivery is known when it has come.
        (*_AT_EITHER_SIDE, Phase.VERIFY),
        Trait.OF_A_TOKEN | Trait.REFUSES,
        "faults.md#what-smtp-servers-answer",
    )
    PROGRAM = (
        "program",
        "the sendmail program failed or cannot be run: the code is its exit code; or a file of the"
        " message cannot be used: the code is `file`",
        (Phase.SEND,),
        NO_TRAIT,
        "faults.md#this-machine",
    )
    OVERDUE = (
        "overdue",
        "sent, but not back within timeout",
        (Phase.DELIVER,),
        Trait.BLAMES_DELIVERY | Trait.MAY_BE_OURS,
        "faults.md#on-the-way",
    )
    MISSING = (
        "missing",
        "no heartbeat has come within `every`; the mailbox was read",
        (Phase.DELIVER,),
        Trait.BLAMES_NOBODY,
        "faults.md#heartbeats",
        "MailtripHeartbeatMissing",
    )
    BOUNCED = (
        "bounced",
        "a delivery status notification (RFC 3464) reported failure; the code is the enhanced one",
        (Phase.DELIVER,),
        Trait.BLAMES_DELIVERY,
        "faults.md#on-the-way",
    )
    JUNK = (
        "junk",
        "it was filed as spam",
        (Phase.VERIFY,),
        NO_TRAIT,
        "faults.md#on-the-way",
        "MailtripMailJunked",
    )
    ALTERED = (
        "altered",
        "it came, but its text, its HTML or an attachment is not as it was sent",
        (Phase.VERIFY,),
        NO_TRAIT,
        "faults.md#on-the-way",
    )
    UNAUTHENTICATED = (
        "unauthenticated",
        "a method in `require` did not pass: SPF, DKIM or DMARC; the code names it",
        (Phase.VERIFY,),
        NO_TRAIT,
        "authentication.md#require",
        "MailtripAuthenticationNoLongerPasses",
    )
    LISTED = (
        "listed",
        "a blocklist lists the address or the domain",
        (),
        Trait.OF_A_BLOCKLIST_CHECK,
        "blocklists.md#when-you-are-listed",
        "MailtripListed",
    )
    UNUSABLE = (
        "unusable",
        "no blocklist could be queried",
        (),
        Trait.OF_A_BLOCKLIST_CHECK | Trait.MAY_BE_OURS,
        "blocklists.md#three-states",
        "MailtripNoListUsable",
    )
    ACCEPTED = (
        "accepted",
        "a server or a filter let it through (`expect`); the code names the payload",
        (Phase.SEND, Phase.VERIFY),
        NO_TRAIT,
        "faults.md#filters",
        "MailtripFilterLetThrough",
    )
    STARVED = (
        "starved",
        "mailtrip itself was too late, since it had too little processor time; mail may be fine",
        _AT_EITHER_SIDE,
        Trait.OF_A_BLOCKLIST_CHECK | Trait.ENDS_DELIVERY | Trait.BLAMES_NOBODY,
        "alerts.md#mailtripoverloaded",
        "MailtripOverloaded",
    )
    INTERNAL = (
        "internal",
        "a bug in mailtrip: see the log",
        tuple(Phase),
        Trait.OF_A_BLOCKLIST_CHECK | Trait.OF_A_TOKEN | Trait.ENDS_DELIVERY,
        "alerts.md#mailtripfailing",
    )


OF_A_CONVERSATION = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TIMEOUT,
        Reason.UNAVAILABLE,
        Reason.REJECTED,
        Reason.DISCONNECTED,
        Reason.PROTOCOL,
    }
)
"""Why a conversation with any server may fail, without TLS and without a login."""
