"""The exporter's SMTP receiver: a mailbox to which other servers deliver."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import ClassVar

from pydantic import Field

from exporter.config.address import TRIP_PLACE, NetworkText, TripTemplate, network_of
from exporter.config.finding import Finding
from exporter.config.grammar import email_of
from exporter.config.server import Ports, ReceiverTls
from exporter.config.types import Listen, Options, Size, size_text
from exporter.core.facts import Client
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mail.tokens import without_trip
from exporter.mailboxes.kind import Reception
from exporter.mailboxes.session import READ_LIMIT, Sighting, Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts
from exporter.net.smtpd.limits import LIMITS, Limits
from exporter.net.tls.certificate import ServerCertificate

# Messages that have come and were not looked at; the watcher looks as soon as one has come.
MAX_WAITING = 500
MOST_WHOLE = 10  # of them that are kept as a whole


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
        return ("exporter.net.smtpd.server",)

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
        return _is_among(frozenset(map(_canonical, self.recipients)), address)

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        if size > self.max_message_size:
            text = (
                f"is larger than max_message_size of the mailbox {name},"
                f" {size_text(self.max_message_size)}: it refuses every message"
            )
            yield Finding(("roundtrip", "size"), text)

    def mailbox(self, resolver: Resolver, accounts: Accounts | None) -> "SmtpdMailbox":
        return SmtpdMailbox(self, resolver, accounts)


class SmtpdMailbox:
    """Opens the receiver."""

    listens = True

    def __init__(
        self,
        options: SmtpdOptions,
        resolver: Resolver,
        accounts: Accounts | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._options = options
        self._limits = limits

    async def open(self, trace: Trace, wanted: Wanted) -> "SmtpdSession":
        """Begins to listen. Raises ProbeError: connect if the address is in use or not permitted,
        tls for bad files."""
        options = self._options
        certificate = None
        if options.tls:
            with trace.step(Step.TLS, options.tls.cert_file):
                certificate = ServerCertificate(options.tls.cert_file, options.tls.key_file)
        session = SmtpdSession(options, trace, wanted, certificate, self._limits)
        with trace.step(Step.CONNECT, options.listen):
            await session.receiver.listen(options.listen)
        return session


class SmtpdSession:
    """Listens. Accepted messages wait in memory for the next scan, also after the receiver has
    closed."""

    messages: int | None = 0  # it keeps none
    # any sender may write to us: what they send costs no more than in other mailboxes
    keep = READ_LIMIT

    def __init__(
        self,
        options: SmtpdOptions,
        trace: Trace,
        wanted: Wanted,
        certificate: ServerCertificate | None,
        limits: Limits,
    ) -> None:
        self._trace = trace
        self._wanted = wanted
        self._recipients = frozenset(map(_canonical, options.recipients))
        self._domains = frozenset(_domain(recipient) for recipient in self._recipients)
        self._waiting: deque[Sighting] = deque()
        self._numbers = count(1)
        # Of long ones, by number; the second are those of the newest scan.
        self._whole: dict[int, bytes] = {}
        self._scanned: dict[int, bytes] = {}
        self._wake: Wake | None = None  # of who waits for a message
        from exporter.net.smtpd.server import Receiver  # 1 MiB that only a receiver needs

        # Not the name of this machine: Postfix on the same one would report that its mail loops
        # back to itself.
        hostname = _domain(_canonical(options.recipients[0]))
        self.receiver = Receiver(
            hostname,
            self,
            options.max_message_size,
            certificate,
            limits,
            trace.clock,
            [network_of(text) for text in options.proxy_protocol],
        )

    async def scan(self) -> list[Sighting]:
        """The messages since the last scan."""
        sightings = list(self._waiting)
        self._waiting.clear()
        self._scanned, self._whole = self._whole, {}
        return sightings

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message (the protocol `ReadsWhole`); empty if there were too many."""
        return self._scanned.pop(sighting.ref, b"")[:limit]

    async def is_wanted(self, beginning: bytes) -> bool:
        return await self._wanted(beginning)

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Returns when a message has arrived, `wake` is set, or the time is over."""
        self._wake = wake
        await wake.sleep(0 if self._waiting else seconds)
        self._wake = None

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Does nothing: scanned messages are not stored."""

    async def close(self) -> None:
        await self.receiver.close()
        self.receiver.abort()

    def abort(self) -> None:
        self.receiver.abort()

    def refusal(self, recipient: str) -> str | None:
        if TRIP_PLACE not in recipient and _is_among(self._recipients, recipient):
            return None
        reply = (
            "550 5.1.1 No such mailbox here"
            if _domain(_canonical(recipient)) in self._domains
            else "550 5.7.1 Relaying denied"
        )
        self._trace.note(f"-- for {recipient}: {reply}")
        return reply

    def turned_away(self, peer: str, why: str) -> None:
        self._trace.note(f"-- from {peer}: {why}")

    async def receive(self, raw: bytes, size: int, client: Client, wanted: bool | None) -> str:
        reply = await self._receive(raw, size, client, wanted)
        self._trace.note(f"-- message of {size} bytes: {reply}")
        return reply

    async def _receive(self, raw: bytes, size: int, client: Client, wanted: bool | None) -> str:
        seen_at = self._trace.now()
        beginning = raw[: self.keep]
        if not (await self._wanted(beginning) if wanted is None else wanted):
            return "550 5.7.1 This address accepts only messages of this mailtrip"
        if self.receiver.closing:
            return "421 4.3.2 Shutting down"
        if len(self._waiting) >= MAX_WAITING:
            return "452 4.3.1 Too many messages are waiting"
        cut, number = size > len(beginning), next(self._numbers)
        if cut and len(self._whole) < MOST_WHOLE:
            self._whole[number] = raw
        self._waiting.append(
            Sighting(number, "", beginning, seen_at, watched=True, cut=cut, client=client)
        )
        if self._wake:
            self._wake.ring()
        return "250 2.6.0 Seen"


def _canonical(address: str) -> str:
    """The canonical form for comparing addresses: local parts of our recipients in any case,
    domains in any spelling, a trip's part as in the configuration. An invalid address is never
    ours."""
    local, _, domain = without_trip(address).rpartition("@")
    where = _domain(email_of(f"x@{domain}") or f"@{domain}")
    return f"{local}@{where}".casefold()


def _is_among(recipients: Collection[str], address: str) -> bool:
    """Whether this address, or the one of which it is a subaddress (RFC 5233) for a trip, is among
    these in their canonical form."""
    known = _canonical(address)
    return not {known, known.replace(f"+{TRIP_PLACE}@", "@")}.isdisjoint(recipients)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
