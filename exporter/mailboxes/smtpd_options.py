"""The options of our SMTP receiver."""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from exporter.config.address import TRIP_PLACE, NetworkText, TripTemplate
from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.grammar import email_of
from exporter.config.server import Ports, ReceiverTls
from exporter.config.types import Listen, Options, Size, size_text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.tokens import without_trip
from exporter.mailboxes.kind import Reception
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


class SmtpdOptions(Options):
    """The exporter's built-in SMTP receiver. It accepts mail only for its recipients and relays
    nothing.

    It accepts only the probe messages of this mailtrip and refuses all others, because it would
    discard them.
    """

    ports: ClassVar[Ports | None] = None
    searches_junk: ClassVar[bool] = False

    listen: Listen
    """HOST:PORT to listen on."""

    recipients: list[TripTemplate] = Field(min_length=1)
    """The addresses that it accepts mail for, in any case; other recipients are refused. The
    receiver greets its clients with the domain of the first one. `probe@example.org` also accepts
    mail to the addresses of trips with `from: "probe+{trip}@example.org"`; for another separator
    than `+`, write the address with `{trip}` here."""

    max_message_size: Size = 1 << 20
    """A larger message is refused."""

    tls: ReceiverTls | None = None
    """With a certificate, STARTTLS is offered."""

    proxy_protocol: list[NetworkText] = Field(default=[], max_length=20)
    """Addresses and networks of proxies, such as HAProxy (`send-proxy` or `send-proxy-v2`), behind
    which it listens. Connections from there must begin with a PROXY header, version 1 or 2, and
    count as those of the client in it: in limits, in facts and for the check of the sender.
    A PROXY header from elsewhere is refused."""

    @property
    def needs(self) -> Sequence[str]:
        return ("exporter.mailboxes.smtpd", "exporter.net.smtpd.server")

    @property
    def steps(self) -> frozenset[Step]:
        """None: it listens already, and a message that has come is nowhere else."""
        return frozenset()

    @property
    def reasons(self) -> frozenset[Reason]:
        """Its address is in use, or its certificate cannot be read."""
        return frozenset({Reason.CONNECT, Reason.TLS} if self.tls else {Reason.CONNECT})

    @property
    def place(self) -> str:
        return self.listen

    @property
    def reception(self) -> Reception:
        return Reception(self.listen, self.recipients)

    def takes(self, address: str) -> bool:
        return is_among(frozenset(map(canonical, self.recipients)), address)

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        if size > self.max_message_size:
            text = (
                f"is larger than max_message_size of the mailbox {name},"
                f" {size_text(self.max_message_size)}: it refuses every message"
            )
            yield Finding(("roundtrip", "size"), text)

    def mailbox(self, resolver: "Resolver", accounts: "Accounts | None") -> Mailbox:
        kind = load("exporter.mailboxes.smtpd:SmtpdMailbox")
        mailbox: Mailbox = kind(self, resolver, accounts)
        return mailbox


def canonical(address: str) -> str:
    """The canonical form for comparing addresses: local parts of our recipients in any case,
    domains in any spelling, a trip's part as in the configuration. An invalid address is never
    ours."""
    local, _, domain = without_trip(address).rpartition("@")
    address = email_of(f"x@{domain}") or f"@{domain}"
    return f"{local}@{address.rpartition('@')[2]}".casefold()


def is_among(recipients: Collection[str], address: str) -> bool:
    """Whether this address, or the one of which it is a subaddress (RFC 5233) for a trip, is among
    these in their canonical form."""
    known = canonical(address)
    return not {known, known.replace(f"+{TRIP_PLACE}@", "@")}.isdisjoint(recipients)
