"""The exporter's SMTP receiver: a mailbox to which other servers deliver."""

from collections import deque
from collections.abc import Sequence
from itertools import count

from exporter.config.address import TRIP_PLACE, network_of
from exporter.core.facts import Client
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import READ_LIMIT, ReadsWhole, Sighting, Wanted
from exporter.mailboxes.smtpd_options import SmtpdOptions, canonical, is_among
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts
from exporter.net.smtpd.limits import LIMITS, Limits
from exporter.net.tls.certificate import ServerCertificate

# Messages that have come and were not looked at; the watcher looks as soon as one has come.
MAX_WAITING = 500
MOST_WHOLE = 10  # of them that are kept as a whole


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


class SmtpdSession(ReadsWhole):
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
        self._recipients = frozenset(map(canonical, options.recipients))
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
        hostname = _domain(canonical(options.recipients[0]))
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
        """The whole message; empty if there were too many."""
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
        if TRIP_PLACE not in recipient and is_among(self._recipients, recipient):
            return None
        reply = (
            "550 5.1.1 No such mailbox here"
            if _domain(canonical(recipient)) in self._domains
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


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
