"""The kinds of check: what a module does with its target."""

from collections.abc import Iterator

from exporter.blocklists import BlockListOptions
from exporter.checks.dnsbl_options import DnsblOptions
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.options import MAILBOX_OPTIONS, RoundtripOptions
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
    def lists(self) -> Iterator[tuple[BlockListOptions, bool]]:
        """The blocklists that the check asks, and whether about domains."""
        addresses = self.dnsbl.lists if self.dnsbl else []
        for entry in (*addresses, *(self.roundtrip.blocklists if self.roundtrip else ())):
            yield entry, False
        for entry in self.dnsbl.domain_lists if self.dnsbl else ():
            yield entry, True

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The mailboxes that the check names."""
        named = (getattr(self.chosen[1], option, None) for option in MAILBOX_OPTIONS)
        return tuple(dict.fromkeys(filter(None, named)))
