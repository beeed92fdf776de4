"""What an alert says of a failure: a table by cause, from which the texts in rules/ are made.

A failure is one line, as in the log: `send/rcpt: rejected 550`. The first cause whose pattern is
found in it counts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. Texts are whole sentences without their full stop, and have no capital letter."""

    pattern: str  # RE2, and Python's
    what: str  # what broke, for the summary: at most 50 characters
    why: str  # what is known of it, or the usual cause
    known: str  # who is known to be affected
    perhaps: str = ""  # who is affected as well, and on which condition
    own: bool = False  # no one but mailtrip is known to be affected: a warning


OWN = "only this probe"
ACCOUNT = "only mailtrip's own account"
RECIPIENT = "only this recipient"
SENDERS = "everyone who sends through it"
READERS = "everyone whose mailbox is there"

CAUSES = (
    Cause(
        r"^$",
        "reason unknown",
        "the newest failure is no longer known",
        "this probe",
    ),
    Cause(
        r": internal",
        "a bug in mailtrip",
        "the log of mailtrip has a traceback, and this path is not monitored",
        f"{OWN}; mail may be fine",
        own=True,
    ),
    Cause(
        r"/token: ",
        "no OAuth 2.0 token for mailtrip",
        "the identity provider issues none, or cannot be reached",
        ACCOUNT,
        "everyone who logs in there, if the provider is down",
        own=True,
    ),
    Cause(
        r": auth .",
        "mailtrip's login is refused",
        "the server refuses the password or rights of that account: changed, expired or locked",
        ACCOUNT,
        "everyone who logs in there, if the server has lost its passwords",
        own=True,
    ),
    Cause(
        r": auth$",
        "mailtrip cannot log in",
        "its secret cannot be read, or the server offers no login that fits",
        ACCOUNT,
        "everyone who logs in there, if the server was changed",
        own=True,
    ),
    Cause(
        r": accepted eicar",
        "a filter lets a test virus through",
        "the filter has probably stopped",
        "no one yet",
        "everyone behind this filter, by real viruses",
    ),
    Cause(
        r": accepted gtube",
        "a filter lets test spam through",
        "the filter has probably stopped",
        "no one yet",
        "everyone behind this filter, by real spam",
    ),
    Cause(
        r": accepted forged_from",
        "a filter lets a forged sender through",
        "the filter has probably stopped",
        "no one yet",
        "everyone behind this filter, by forged mail",
    ),
    Cause(
        r": accepted .",
        "a filter lets a forbidden attachment through",
        "the filter has probably stopped",
        "no one yet",
        "everyone behind this filter, by such attachments",
    ),
    Cause(
        r"^verify: accepted",
        "a filter lets a message through",
        "the module expects it to be kept out",
        "no one yet",
        "everyone behind this filter, if it has stopped",
    ),
    Cause(
        r": accepted",
        "a server accepts what it should refuse",
        "the server may be an open relay, which is abused and blocklisted soon",
        "no one yet",
        "everyone who sends through it, once it is listed",
    ),
    Cause(
        r"^verify: protocol",
        "deliveries are no longer reported",
        "the last server that reports them has passed the message on",
        f"{OWN}; mail may be fine",
        own=True,
    ),
    Cause(
        r": null_mx",
        "the recipient's domain accepts no mail",
        "its DNS says so (null MX), or the target is misspelled",
        "everyone who writes to that domain",
    ),
    Cause(
        r"^verify.*: dns",
        "the address to check cannot be resolved",
        "no blocklist was asked, so a listing would go unnoticed",
        f"{OWN}; mail is not",
        own=True,
    ),
    Cause(
        r"^send/program: dns",
        "sendmail finds no host for the recipient",
        "the name does not exist, or this machine's name server fails",
        "programs that send to that domain from mailtrip's machine",
    ),
    Cause(
        r": dns NXDOMAIN",
        "a server's name does not exist",
        "the name server that mailtrip asked says so",
        "mailtrip, and others with the same name server",
        "everyone who uses that name, if its domain has expired or its record was removed",
    ),
    Cause(
        r": dns TIMEOUT",
        "mailtrip's name server does not answer",
        "the name server is down, or cannot be reached",
        "mailtrip's machine",
        "everyone who uses that name server; other mail may be fine",
    ),
    Cause(
        r": dns REFUSED",
        "mailtrip's name server refuses to answer",
        "the name server may allow other networks only, or not know the zone",
        "mailtrip's machine",
        "others on its network; other mail may be fine",
    ),
    Cause(
        r": dns SERVFAIL",
        "a name cannot be resolved",
        "the zone or its DNSSEC is broken, or mailtrip's name server is",
        "mailtrip's machine",
        "everyone who uses that name, if it is the zone",
    ),
    Cause(
        r": dns",
        "a server's name has no address",
        "the record was removed, or mailtrip's name server cannot be asked",
        "mailtrip's machine",
        "everyone who uses that name, if its record is gone",
    ),
    Cause(
        r": policy",
        "TLS of the exchanger does not match its policy",
        "its certificate or TLS is not what its domain publishes by DANE or MTA-STS",
        "people whose mail servers follow the policy: their mail waits, and is returned after days",
    ),
    Cause(
        r"^send/(ehlo|auth|mail|rcpt|data|program): tls",
        "the server requires TLS",
        "the server refuses logins or mail without TLS, and mailtrip or its sendmail uses none",
        OWN,
        "others who send there without TLS, if the server was changed",
    ),
    Cause(
        r"^send/tls: tls [45]",
        "the server refuses STARTTLS",
        "the server offers TLS, and most often cannot read its own key or certificate",
        "mailtrip",
        "everyone who sends there with TLS",
    ),
    Cause(
        r"^send.*: tls",
        "TLS with the server fails",
        "most often the server's certificate has expired, or is for another name",
        "mailtrip",
        "everyone whose programs verify it, unless only mailtrip's own TLS files are wrong",
    ),
    Cause(
        r"^(open|deliver).*: tls",
        "TLS with the mailbox server fails",
        "most often the server's certificate has expired, or is for another name",
        "mailtrip",
        "everyone whose mail programs verify it, unless only mailtrip's own TLS files are wrong",
    ),
    Cause(
        r"^delete",
        "probe messages cannot be deleted",
        "messages arrive, and stay in the mailbox until it is full",
        f"{OWN}; mail works",
        own=True,
    ),
    Cause(
        r"(: mailbox_full|: bounced 5[.]2[.]2)",
        "the probe's mailbox is full",
        "the server refuses the message, and returns it to its sender",
        RECIPIENT,
    ),
    Cause(
        r": protocol",
        "protocol mismatch with the server",
        "a wrong port or tls in mailtrip's configuration, or another program answers there",
        "mailtrip",
        "everyone who uses that server, if it was changed",
    ),
    Cause(
        r": program file",
        "a file of the probe's message is unreadable",
        "the body, the html or an attachment cannot be used",
        f"{OWN}; mail may be fine",
        own=True,
    ),
    Cause(
        r"^send/program: (program|timeout|unavailable|deferred)",
        "sendmail on mailtrip's machine fails",
        "the sendmail program fails, hangs or does not exist",
        "all programs that send mail from that machine",
    ),
    Cause(
        r"^send/program: rejected",
        "sendmail refuses the message",
        "sendmail does not know the recipient, or does not allow mailtrip's user to send",
        OWN,
        "others who send the same from that machine",
    ),
    Cause(
        r"^send/connect",
        "mailtrip cannot connect to the server",
        "the server is down, or the way from mailtrip to it is: a firewall, a route, a proxy",
        "mailtrip",
        f"{SENDERS}, if it is down",
    ),
    Cause(
        r"^send/auth: ",
        "the server's logins do not work",
        "the server's password service fails or hangs",
        "mailtrip",
        f"{SENDERS} with a login",
    ),
    Cause(
        r"^send/(greeting|ehlo): rejected",
        "the server turns mailtrip away",
        "the server refuses the address or name of mailtrip's machine: a blocklist, reverse DNS",
        "mailtrip's machine",
        "everyone who sends from the same address or network",
    ),
    Cause(
        r"^send/(greeting|ehlo): unavailable",
        "the server is busy, or turns mailtrip away",
        "the server says that it cannot work now: a restart, its load, or a limit for mailtrip",
        "mailtrip",
        f"{SENDERS}, unless it is a limit for mailtrip alone",
    ),
    Cause(
        r"^send/(rcpt|retry): deferred",
        "the server defers the recipient",
        "greylisting, a limit, or a broken list of recipients; senders try again for days",
        RECIPIENT,
        "other recipients there, if it is no greylisting",
    ),
    Cause(
        r": deferred",
        "the server defers the message",
        "a limit for this sender, a full disk or a filter that is down; senders try again",
        "mailtrip",
        f"{SENDERS}, unless it is a limit for mailtrip alone",
    ),
    Cause(
        r"^send/rcpt: rejected 554",
        "relaying or the recipient is refused",
        "the server wants a login, or has a blocklist or policy; the message is refused, not lost",
        "only this probe",
        "everyone who sends there from the same network or with the same login",
    ),
    Cause(
        r"^send/rcpt: rejected",
        "the recipient is refused",
        "the recipient was deleted, or a policy refuses it; the message is refused, not lost",
        RECIPIENT,
        "other recipients there, if the server has lost its list, or it is a policy",
    ),
    Cause(
        r"^send/mail: rejected 55[^2]",
        "the sender is refused",
        "the server does not accept it, or not for this login; the message is refused, not lost",
        "only mailtrip's sender address",
        "others who send from that domain, if it is a policy",
    ),
    Cause(
        r"^send.*: rejected",
        "the message is refused",
        "the server refuses its content, its size or its sender; it is refused, not lost",
        OWN,
        "others who send such messages on this path",
    ),
    Cause(
        r"^send/data: (timeout|disconnected)",
        "the server hangs at the message",
        "the server's disk or content filter is slow or down; it may have accepted the message",
        "mailtrip",
        SENDERS,
    ),
    Cause(
        r"^send.*: (timeout|disconnected)",
        "the server hangs, or disconnects",
        "the server is overloaded, has crashed, or has a limit for mailtrip alone",
        "mailtrip",
        f"{SENDERS}, unless it is a limit for mailtrip alone",
    ),
    Cause(
        r"^send",
        "the server does not accept messages now",
        "the server answers, but says that it cannot work",
        "mailtrip",
        SENDERS,
    ),
    Cause(
        r": bounced 5[.]1",
        "the message is returned: unknown recipient",
        "a server further on does not know the address or its domain",
        RECIPIENT,
        "other recipients there, if that server has lost its list",
    ),
    Cause(
        r": bounced 5[.]7",
        "the message is returned: refused by policy",
        "a server further on refuses it; it is not lost, its sender gets it back",
        "people who send such messages this way",
    ),
    Cause(
        r": bounced",
        "the message is returned",
        "a server further on could not deliver it; it is not lost, its sender gets it back",
        "mailtrip",
        "everyone who gets mail this way",
    ),
    Cause(
        r": overdue",
        "accepted, but it does not arrive",
        "the message waits in a queue, or was discarded: it is not yet known to be lost",
        "mailtrip's messages",
        "everyone who gets mail this way",
    ),
    Cause(
        r": junk",
        "messages arrive as spam",
        "a filter put them into the spam folder: content, SPF, DKIM or reputation",
        "mailtrip's messages",
        "everyone who sends this way; their recipients see nothing",
    ),
    Cause(
        r": altered",
        "messages arrive altered",
        "a gateway changed their text or links, or removed an attachment",
        "mailtrip's messages",
        "everyone who sends this way",
    ),
    Cause(
        r": unauthenticated",
        "messages fail SPF, DKIM or DMARC",
        "a record in DNS or the signer is wrong",
        "mail of this sender: it looks forged, and may be refused or filed as spam",
    ),
    Cause(
        r"/select: .* (ENOENT|EACCES|ENOTDIR)$",
        "mailtrip's Maildir cannot be read",
        "the Maildir was moved or deleted, or mailtrip's user may not read it",
        f"{OWN}; mail may be fine",
        own=True,
    ),
    Cause(
        r"/select: rejected",
        "mailtrip's folder cannot be opened",
        "the folder was deleted or renamed, or access to it is denied",
        f"{ACCOUNT}; mail may be fine",
        own=True,
    ),
    Cause(
        r"(LOGIN-DELAY|IN-USE|429)$",
        "the mailbox server limits mailtrip",
        "mailtrip asked too often, or another session has the mailbox",
        f"{ACCOUNT}; mail may be fine",
        own=True,
    ),
    Cause(
        r"/connect: ",
        "mailtrip cannot connect to its mailbox",
        "the server is down, or the way to it is; for smtpd, another program has the port",
        "mailtrip",
        f"{READERS}, if it is down; mail may still arrive",
    ),
    Cause(
        r"/login: ",
        "logins at the mailbox server do not work",
        "the mailbox server's password service fails or hangs",
        "mailtrip",
        f"{READERS}; mail may still arrive",
    ),
    Cause(
        r"",
        "the mailbox cannot be read",
        "the mailbox server hangs, disconnects, or says that it cannot work",
        "mailtrip",
        f"{READERS}; mail may still arrive",
    ),
)


def cause_of(failure: str) -> Cause:
    """The cause of a failure such as `send/rcpt: rejected 550`."""
    return next(cause for cause in CAUSES if re.search(cause.pattern, failure))


def what(cause: Cause) -> str:
    """For a summary."""
    return cause.what


def impact(cause: Cause) -> str:
    """For a description: two or three sentences."""
    perhaps = f" Perhaps: {cause.perhaps}." if cause.perhaps else ""
    return f"{cause.why[0].upper()}{cause.why[1:]}. Known to be affected: {cause.known}.{perhaps}"


_STEPS = ("resolve", "token", "connect", "tls", "login", "select", "fetch")
_WORDS = ("internal", "auth", "dns", "connect", "tls", "rejected", "protocol", "unavailable")
_CODES = ("", " X", " NXDOMAIN", " SERVFAIL", " REFUSED", " TIMEOUT", " ENOENT", " LOGIN-DELAY")
_OPENINGS = [f"open/{step}: {word}{code}" for step, word, code in product(_STEPS, _WORDS, _CODES)]
_CAUSES_OF_OPENINGS = set(map(cause_of, ["", *_OPENINGS]))
OF_A_MAILBOX = tuple(cause for cause in CAUSES if cause in _CAUSES_OF_OPENINGS)
"""The causes for which a mailbox cannot be opened."""


def template(text: Callable[[Cause], str], causes: Sequence[Cause] = CAUSES) -> str:
    """A Go template that writes this text for the cause of `$failure`."""
    *others, last = causes
    tests = [f"if match `{cause.pattern}` $failure }}}}{text(cause)}" for cause in others]
    return f"{{{{ {'{{ else '.join(tests)}{{{{ else }}}}{text(last)}{{{{ end }}}}"
