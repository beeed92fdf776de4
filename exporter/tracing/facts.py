"""What the facts of a trip say about its spans, as attributes.

Names are those of OpenTelemetry's semantic conventions, and `mailtrip.…` where they have none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from exporter.config.grammar import domain_of
from exporter.core.facts import Arrival, Hop, MailServer
from exporter.core.model import Fact, Outcome, Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.queue_name import queue_name
from exporter.core.steps import Step
from exporter.net.otlp.span import Value

Attributes = Mapping[str, Value]

_SERVER = re.compile(r"\[?(?P<host>[^\s\[\]/]+?)\]?:(?P<port>[0-9]{1,5})(?: through the proxy .+)?")
_VERSION = re.compile(r"(?P<name>TLS|SSL)v(?P<version>[0-9.]+)")


def of_trip(outcome: Outcome, name: str) -> Attributes:
    """The attributes of the whole trip. `name` is that of its probe."""
    found: dict[str, Value] = {
        "mailtrip.trip": outcome.trip,
        "mailtrip.probe": name,
        "mailtrip.module": outcome.probe.module,
        "mailtrip.target": outcome.probe.target,
        "mailtrip.success": outcome.success,
    }
    if outcome.recheck:
        found["mailtrip.recheck"] = True
    if outcome.planned:
        found["mailtrip.planned"] = True
    for fact in outcome.facts:
        found |= _of_the_whole(fact)
    if failure := outcome.failure:
        found |= {
            "error.type": str(failure.reason),
            "mailtrip.phase": str(failure.phase),
            "mailtrip.reason": str(failure.reason),
        }
        if failure.step:
            found["mailtrip.step"] = str(failure.step)
        if leg := failure.reason.blames(failure.phase):
            found["mailtrip.leg"] = str(leg)
        if failure.code:
            found["mailtrip.code"] = failure.code
    return found


def _of_the_whole(fact: Fact) -> Attributes:
    match fact:
        case Reply():
            found: dict[str, Value] = {"mailtrip.smtp.reply_code": fact.code}
            if name := queue_name(fact.text):
                found["mailtrip.queue_id"] = name
            return found
        case Arrival():
            times = {"delivery_delay": fact.delay, "round_trip": fact.round_trip}
            return {
                f"mailtrip.{name}": time for name, time in times.items() if time is not None
            } | {"mailtrip.junk": fact.junk}
        case _:
            return {}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that a trip is connected to."""

    host: str = ""
    port: int = 0

    def attributes(self, outcome: Outcome) -> Attributes:
        """Its name, its port, and the address that we are connected to, as far as they are
        known."""
        if not self.host:
            return {}
        found: dict[str, Value] = {"server.address": self.host, "server.port": self.port}
        for fact in outcome.facts:
            if isinstance(fact, MailServer) and fact.address and fact.host == self.host:
                found["network.peer.address"] = fact.address
        return found


def server_of(connecting: Span) -> Server:
    """The server of a step `connect`."""
    found = _SERVER.fullmatch(connecting.note)
    return Server(found["host"], int(found["port"])) if found else Server()


def of_step(span: Span, server: Server, outcome: Outcome) -> Attributes:
    """The attributes of a step with this server, and what was agreed there."""
    if span.step is Step.RESOLVE:
        return {"dns.question.name": span.note} if domain_of(span.note) else {}
    found = dict(server.attributes(outcome))
    if span.step is Step.TLS:
        leg = Leg.SEND if span.phase is Phase.SEND else Leg.MAILBOX
        for session in outcome.facts:
            if not isinstance(session, TlsSession) or session.leg is not leg:
                continue
            if server.host in ("", session.host):
                found |= dict(_of_session(session))
    return found


def _of_session(session: TlsSession) -> Iterator[tuple[str, Value]]:
    if version := _VERSION.fullmatch(session.version):
        yield "tls.protocol.name", version["name"].lower()
        yield "tls.protocol.version", version["version"]
    texts = {
        "tls.cipher": session.cipher,
        "tls.server.issuer": session.issuer,
        "tls.server.hash.sha256": session.fingerprint.upper(),
    }
    yield from ((name, text) for name, text in texts.items() if text)


def of_hop(hop: Hop) -> Attributes:
    """The attributes of a server on the way, by its `Received` header. Its times are those of its
    own clock."""
    found: dict[str, Value] = {"mailtrip.hop": hop.number}
    texts = {
        "server.address": hop.by,
        "client.address": hop.address,
        "mailtrip.hop.helo": hop.helo,
        "mailtrip.hop.protocol": hop.protocol,
    }
    found |= {name: text for name, text in texts.items() if text}
    if hop.at is not None:
        found["mailtrip.hop.received_at"] = float(hop.at)
    if hop.skew:
        found["mailtrip.hop.clock_behind"] = float(hop.skew)
    return found
