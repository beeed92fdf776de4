"""The options of a round trip."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self, get_args

from pydantic import (
    ConfigDict,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from exporter.blocklists.options import AddressLists, BlockListOptions
from exporter.checks.content import ContentFiles
from exporter.checks.kind import CheckKind
from exporter.config.address import (
    PLACEHOLDER,
    Domain,
    EmailTemplate,
    Selector,
    TripTemplate,
    check_email,
    check_filled,
)
from exporter.config.choice import Choice
from exporter.config.content import Attachments, TextOrFile
from exporter.config.grammar import domain_of, email_of, host_of, literal_of
from exporter.config.header import (
    MOST_HEADERS,
    TOKEN_PLACE,
    AuthservIds,
    HeaderName,
    HeaderValue,
    ReplyCodes,
    Subject,
)
from exporter.config.types import Duration, NameOfACell, Options, Secret, Size, size_text
from exporter.core.facts import is_secret
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import RoundTripScope
from exporter.core.steps import Step
from exporter.mail.payloads import Payload
from exporter.mailboxes import MailboxOptions
from exporter.senders import SendOptions

MOST_BLOCKLISTS = 20
LARGEST = 50 << 20  # bytes of a message

_PART_OF_A_LABEL = re.compile(r"[^\s.]\{target\}|\{target\}[^\s.]")

MAILBOX_OPTIONS = ("mailbox", "bounces")
"""The options of a check whose values are names from `mailboxes`."""


Method = Literal["spf", "dkim", "dmarc"]
METHODS: tuple[Method, ...] = get_args(Method)


class ExpectOptions(Choice):
    """What a server or a filter must do with the message, instead of letting it through to the
    inbox. If it does not, the trip fails (`accepted`). See
    [scenarios.md](scenarios.md#6-filters)."""

    code: ReplyCodes | None = None
    """The message must be refused with this reply code, such as 554, or with one of a list of
    codes; for `sendmail` the exit code. The refusal may come at any command. Every other failure
    remains a failure."""

    junk: Literal[True] | None = None
    """The message must be filed as spam: found in the junk folder of `mailbox`, which is IMAP or
    Maildir. A header that calls it spam is not enough."""

    lost: Literal[True] | None = None
    """The message must be accepted, and not arrive within `timeout`, which is when the trip
    succeeds. A notification that it was returned for a reason of policy (5.7.x) is a success at
    once. If it arrives within `late_after`, its trip becomes a failure after all. This proves
    something only where an ordinary message arrives: monitor that with another module."""


class DkimOptions(Options):
    """The message is signed with DKIM (RFC 6376), as a mail server signs for its users. Needed for
    a sender whose server does not sign, such as `mx`: a domain with the DMARC policy `p=reject`
    that is forwarded is refused without. `mailtrip dkim-key` makes a key."""

    domain: Domain
    """The domain that signs: that of `from`, or one above it, so that DMARC accepts the
    signature."""

    selector: Selector
    """The name of the key: its public part is at `SELECTOR._domainkey.DOMAIN` in DNS."""

    key: Secret
    """The private key, PEM, unencrypted: RSA with 1024 to 4096 bits, or Ed25519 (RFC 8463), which
    many receivers cannot check."""


class RoundtripOptions(CheckKind):
    """Sends a signed message, waits for it in a mailbox, and deletes it there."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["mailbox"]}, {"required": ["expect"]}]}
    )

    confirms: ClassVar[bool] = True

    sender: TripTemplate = Field(alias="from")
    """The sender, in the envelope and in the header `From`. Choose an address whose bounces are
    read. `{trip}` before the @, such as in `probe+{trip}@example.org`, becomes 38 characters for
    each trip, and the mail server must deliver all these addresses as it delivers
    `probe@example.org`. Then also bounces and answers that name nothing of the message are
    recognised, by the address that they come to."""

    to: EmailTemplate = PLACEHOLDER
    """The recipient. By default the target, which must then be an e-mail address. Mail to it must
    arrive in `mailbox`, directly or by forwarding."""

    send: SendOptions
    """How the message is sent."""

    mailbox: NameOfACell | None = None
    """The mailbox that receives it: a name from `mailboxes`. Required, except with `expect: {code:
    …}` and no `payload`."""

    bounces: NameOfACell | None = None
    """The mailbox that receives delivery status notifications to `from`: a name from `mailboxes`.
    If the message bounces, the trip fails immediately, with the reason from the other server.
    Bounces that arrive in `mailbox` are always read."""

    home: Literal["message", "reply", "delivery_status"] = "message"
    """What must arrive in `mailbox`: the message itself, or what proves that it has arrived
    elsewhere. `reply`: an answer to it, such as an automatic one (vacation, auto-reply); `mailbox`
    then receives the mail to `from`, which should contain `{trip}`, because most responders answer
    a sender only once in several days. `delivery_status`: a notification that the message was
    delivered (DSN, RFC 3461), which servers that offer DSN send to `from`; needs `smtp` or `mx`.
    See [scenarios.md](scenarios.md#8-home-without-forwarding)."""

    junk: Literal["fail", "ok"] = "fail"
    """Whether a message that was filed as spam is a failure. It is counted in either case."""

    trusted_authserv_id: AuthservIds | None = None
    """The name at the start of the receiving server's Authentication-Results (RFC 8601), such as
    mx.example.org, or a list of names. A domain includes the names below it if the servers of the
    receiver use such names (icloud.com). mailtrip reports the SPF, DKIM, DMARC and ARC results of
    this server beside [its own](authentication.md); without this option it reports only its own,
    because anyone can write such a header. Microsoft 365 omits its name; write mx.microsoft.com.
    The address that this server saw is reported as the address from which the mail left."""

    require: list[Method] = Field(default_factory=list, max_length=len(METHODS))
    """The methods that must pass: `spf`, `dkim`, `dmarc`. If one does not, the trip fails
    (`verify: unauthenticated`), and the error names the record in DNS to look at. mailtrip itself
    checks the message; see [authentication.md](authentication.md). `spf` needs `smtpd` as the
    mailbox, or `trusted_authserv_id`."""

    blocklists: AddressLists = Field(default_factory=list)
    """Blocklists (RFC 5782) that are asked about the address that delivered the message from
    outside: the client of `smtpd`, or with `trusted_authserv_id` the address that the receiving
    server saw. The trip shows the answers. It never fails because of them, and they have no series:
    for an alert, use `dnsbl` with `addresses`. Each is a zone, such as `zen.spamhaus.org`, or a
    mapping with more options. See [blocklists.md](blocklists.md#the-client-of-a-message)."""

    late_after: Duration = 86400.0
    """How long an overdue message may still arrive and count as late. After that it is lost."""

    size: Size | None = None
    """The size of the message, headers included; it is padded to this size. Default: about 1 KiB. A
    message larger than 64 KiB is not read completely, unless it has `body`, `html` or `attachment`:
    alteration is not detected, and its DKIM and ARC signatures are not checked."""

    subject: Subject = f"mailtrip {TOKEN_PLACE}"
    """The subject. `{token}` stands for the signed token that identifies the message; without it,
    the token is added at the end."""

    body: TextOrFile | None = None
    """A text of your own instead of mailtrip's: the text itself, or `{file: PATH}`. Some lines with
    the token and digests follow it. A probe that looks like the mail that matters meets the same
    filters. See [content.md](content.md)."""

    html: TextOrFile | None = None
    """The same as HTML, beside the text: `{file: PATH}`, or the HTML itself. The lines with the
    token follow at the end of its `body`."""

    attachment: Attachments = Field(default_factory=list)
    """A file that is attached, such as `{file: /etc/mailtrip/invoice.pdf, name: invoice.pdf}`, or a
    list of up to 10. The files of `body`, `html` and `attachment` have at most 10 MiB together, and
    are read again when they have changed. What a server changes or removes fails the trip
    (`verify: altered`)."""

    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=MOST_HEADERS)
    """Additional headers, such as `{X-Team: mail, Precedence: bulk}`. The value is never shown if
    the name indicates a secret, such as `Authorization` or `X-Api-Key`."""

    dkim: DkimOptions | None = None
    """Signs the message. Default: no signature of mailtrip's own."""

    expect: ExpectOptions | None = None
    """The message must not arrive in the inbox: what a filter or a server must do with it."""

    payload: Payload | None = None
    """Harmless test data that a filter must react to, with `expect`: `gtube`, a line of text that
    every spam filter knows; `eicar`, the test virus that every virus scanner knows, attached as a
    text; `forged_from`, the recipient as the author (`From`), which fails DMARC; or
    `blocked_attachment`, a text with the name `mailtrip-test.exe`. It is sent only to addresses
    that this configuration names, only while `mailbox` is open, and deleted there if it arrives.
    See [scenarios.md](scenarios.md#6-filters)."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        expect, payload = given.get("expect"), given.get("payload")
        if (home := given.get("home", "message")) != "message":
            yield from _conflicts_of_home(home, given)
        if expect is None:
            if payload is not None:
                yield (
                    "payload needs expect, which says what the filter does with it: {junk: true},"
                    " {lost: true} or {code: 554}"
                )
            elif given.get("mailbox") is None:
                yield "mailbox is missing"
            return
        kinds = expect.keys() if isinstance(expect, dict) else ()
        refused = "code" in kinds
        others = ("bounces", "require", "blocklists")
        for option in others if payload else ("mailbox", *others):
            if refused and given.get(option):
                yield (
                    f"use {option} or expect, not both: a message that must be refused never"
                    " arrives"
                )
        if given.get("require") and not refused:
            yield "use require or expect, not both: one module tests the sender, another the filter"
        if given.get("junk") is not None:
            yield "use junk or expect, not both: expect says what must happen to the message"
        if payload is not None and given.get("mailbox") is None:
            yield (
                "payload needs mailbox: it is sent only to a mailbox that is read, and deleted"
                " there if the filter lets it through"
            )
        elif given.get("mailbox") is None and {"junk", "lost"} & set(kinds):
            yield "expect needs mailbox, where the message is looked for"

    @property
    def content(self) -> ContentFiles:
        """The content of the user's own, if there is any."""
        return ContentFiles(self.body, self.html, self.attachment)

    @property
    def gap(self) -> float:
        return self.send.how.gap or 0.0

    @property
    def mailboxes(self) -> Iterator[str]:
        yield from filter(None, (self.mailbox, self.bounces))

    @property
    def queried(self) -> Iterator[tuple[BlockListOptions, bool]]:
        yield from ((entry, False) for entry in self.blocklists)

    def check_pattern(self, pattern: str) -> None:
        if self.payload and PLACEHOLDER in self.to:
            raise ValueError(
                f"{pattern} stands for many recipients, and a payload goes only to those that"
                " the configuration names: list each address of the mailbox"
            )

    def canonical(self, target: str) -> str:
        """The canonical form of a target. Raises ValueError with a line for administrators if a
        trip to it is impossible."""
        form = self._form(target) or target
        if PLACEHOLDER in self.to:
            check_filled("to", check_email, self.to, form)
        if self.payload == "forged_from":
            self._check_forgery(self.to.replace(PLACEHOLDER, form))
        kind, how = self.send.chosen
        try:
            how.check_target(form)
        except ValueError as error:
            raise ValueError(f"send.{kind}.{error}") from None
        return form

    def scope(self, mailboxes: Mapping[str, MailboxOptions]) -> RoundTripScope:
        """What can happen in a round trip with these options. `mailboxes` are all of them, by
        name."""
        sender = self.send.how
        sending = sender.reasons | ({Reason.AUTH} if self.dkim else set())
        if self.content.from_files:
            sending |= {Reason.PROGRAM}
        refused: dict[Phase, Collection[Reason]] = {Phase.SEND: sending | {Reason.ACCEPTED}}
        if self.mailbox is None:
            return RoundTripScope(sender.steps, failures=_pairs(refused), sender=sender)
        mailbox = mailboxes[self.mailbox].how
        test = self.expect.chosen[0] if self.expect else ""
        if test == "code":
            refused[Phase.OPEN] = mailbox.reasons
            return RoundTripScope(
                sender.steps,
                mailbox.steps,
                _pairs(refused),
                mailboxes=(self.mailbox,),
                sender=sender,
                receiver=mailbox,
            )
        receiving = {*mailbox.reasons, Reason.OVERDUE, Reason.ALTERED}
        if test:
            receiving.add(Reason.ACCEPTED)
        if test == "lost":
            receiving -= {Reason.OVERDUE, Reason.ALTERED}
        if self.bounces or mailbox.takes(self.sender):
            receiving.add(Reason.BOUNCED)
        if self.require:
            receiving.add(Reason.UNAUTHENTICATED)
        if self.home != "message":
            receiving.discard(Reason.ALTERED)
        if self.junk == "ok" or test:
            receiving.discard(Reason.JUNK)
        failing: dict[Phase, Collection[Reason]] = dict.fromkeys(Phase, receiving)
        failing[Phase.SEND] = sending
        if self.home != "delivery_status":
            failing[Phase.VERIFY] = receiving - {Reason.PROTOCOL}
        if Step.DELETE not in mailbox.steps:
            del failing[Phase.DELETE]
        return RoundTripScope(
            sender.steps,
            mailbox.steps,
            _pairs(failing),
            looks=True,
            sorts_junk=Reason.JUNK in mailbox.reasons and not test,
            falls_back=sender.falls_back,
            visits_each=sender.visits_each,
            required=tuple(self.require),
            mailboxes=tuple(dict.fromkeys(self.mailboxes)),
            sender=sender,
            receiver=mailbox,
        )

    def _check_forgery(self, recipient: str) -> None:
        """Raises ValueError if the sender may speak for the recipient's domain: then its message is
        no forgery (RFC 9989 section 4.10, with relaxed alignment)."""
        ours, theirs = (domain_of(one.rpartition("@")[2]) or "" for one in (self.sender, recipient))
        if ours == theirs or ours.endswith(f".{theirs}") or theirs.endswith(f".{ours}"):
            raise ValueError(
                f"forged_from needs a sender in another domain than {theirs}, or DMARC passes:"
                " use another address in `from`"
            )

    def _form(self, target: str) -> str | None:
        """The form of a recipient or a host; a target that is only used in a local part is
        unchanged."""
        host = self.send.how.template
        if self.to == PLACEHOLDER:
            return email_of(target)
        if PLACEHOLDER not in host and PLACEHOLDER in self.to.rpartition("@")[0]:
            return None
        if _PART_OF_A_LABEL.search(f"{host} {self.to.rpartition('@')[2]}"):
            return target.lower()
        return (
            host_of(target)
            or literal_of(target)
            or (domain_of(f"{target}.a") or "").removesuffix(".a")
            or None
        )

    @field_serializer("headers", when_used="json")
    def _shown(self, headers: dict[str, str]) -> dict[str, str]:
        return {
            name: str(Secret(value)) if is_secret(name) else value
            for name, value in headers.items()
        }

    @model_validator(mode="after")
    def _tests_one_way(self) -> Self:
        if self.expect and self.expect.lost and self.send.how.visits_each:
            raise ValueError(
                f"use send.{self.send.chosen[0]}.each or expect.lost, not both: the messages beside"
                " the trip end before its timeout; test each exchanger with a target of its own"
            )
        return self

    @field_validator("size")
    @classmethod
    def _bounded(cls, size: int | None) -> int | None:
        if size and size > LARGEST:
            raise ValueError(f"must be at most {size_text(LARGEST)}")
        return size

    @field_validator("blocklists")
    @classmethod
    def _few(cls, lists: AddressLists) -> AddressLists:
        if len(lists) > MOST_BLOCKLISTS:
            raise ValueError(f"must have at most {MOST_BLOCKLISTS} entries")
        return lists

    @model_validator(mode="after")
    def _sender_can_request_status(self) -> Self:
        if self.home == "delivery_status" and not self.send.how.requests_status:
            raise ValueError(
                f"use send.{self.send.chosen[0]} or home: delivery_status, not both: this sender"
                " cannot ask for notifications of the delivery"
            )
        return self

    @field_validator("send")
    @classmethod
    def _target_is_one_thing(cls, send: SendOptions, info: ValidationInfo) -> SendOptions:
        if info.data.get("to") == PLACEHOLDER and PLACEHOLDER in send.how.template:
            raise ValueError(
                "the target is the server, so `to` needs an address, such as postmaster@{target}"
            )
        return send


def _conflicts_of_home(home: object, given: Mapping[str, Any]) -> Iterator[str]:
    for option in ("expect", "payload"):
        if given.get(option) is not None:
            yield f"use {option} or home: {home}, not both: a filter is tested with the message"
    for option in ("require", "trusted_authserv_id", "blocklists"):
        if given.get(option):
            yield (
                f"use {option} or home: {home}, not both: what comes home is another message, and"
                " proves nothing about the sender"
            )
    if given.get("bounces"):
        yield (
            f"use bounces or home: {home}, not both: everything comes to the address in from, which"
            " is that of mailbox"
        )


def _pairs(failing: Mapping[Phase, Collection[Reason]]) -> tuple[tuple[Phase, Reason], ...]:
    """The failures that a trip can have, of the reasons for which the parts of each phase fail."""
    return tuple(
        (phase, reason)
        for phase, reasons in failing.items()
        for reason in Reason
        if reason in reasons and phase in reason.phases
    )
