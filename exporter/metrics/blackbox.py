"""What the series of a round trip show that have the names of blackbox_exporter, on `/probe`."""

from collections.abc import Iterable

from exporter.core.facts import MailServer
from exporter.core.model import Fact, Span
from exporter.core.phases import Leg, Phase
from exporter.core.steps import Step
from exporter.metrics.series import Labels


def session_of(sessions: Iterable[Labels]) -> tuple[Labels, Labels] | None:
    """The version and the cipher of the session that sends, else of that with the mailbox.
    `sessions` are the leg, version and cipher of each."""
    legs = {leg: (version, cipher) for leg, version, cipher in sessions}
    if found := legs.get(Leg.SEND) or legs.get(Leg.MAILBOX):
        version, cipher = found
        return (version.replace("TLSv", "TLS "),), (cipher,)
    return None


def ip_version(facts: Iterable[Fact]) -> float | None:
    """Of the newest connection to a server that the message was to be given to."""
    addresses = [fact.address for fact in facts if isinstance(fact, MailServer) and fact.address]
    return (6.0 if ":" in addresses[-1] else 4.0) if addresses else None


def lookup_time(spans: Iterable[Span]) -> float | None:
    """Seconds that lookups in DNS took before the message was sent."""
    spent = [one.duration for one in spans if one.phase is Phase.SEND and one.step is Step.RESOLVE]
    return sum(spent) if spent else None
