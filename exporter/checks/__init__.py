"""The kinds of check: what a module does with its target."""

from collections.abc import Iterable

from exporter.blocklists.options import BlockListOptions
from exporter.checks.dnsbl_options import DnsblOptions
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.kind import CheckKind
from exporter.checks.options import RoundtripOptions
from exporter.config.choice import Choice


class CheckOptions(Choice):
    """What a module does: one of these."""

    roundtrip: RoundtripOptions | None = None
    """Sends a message and finds it again."""

    dnsbl: DnsblOptions | None = None
    """Asks blocklists whether they list an address or a domain."""

    heartbeat: HeartbeatOptions | None = None
    """Awaits messages of others that must come again and again."""

    @property
    def check(self) -> CheckKind:
        """The options of the chosen kind."""
        kind: CheckKind = self.chosen[1]
        return kind

    @property
    def lists(self) -> Iterable[tuple[BlockListOptions, bool]]:
        """The blocklists that the check asks, and whether about domains."""
        return self.check.queried

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The mailboxes that the check names."""
        return tuple(dict.fromkeys(self.check.mailboxes))
