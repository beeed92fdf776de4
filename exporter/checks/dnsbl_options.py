"""The options of a check that queries blocklists."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.options import AddressLists, BlockListOptions, DomainLists
from exporter.checks.kind import CheckKind
from exporter.config.types import Name, Options
from exporter.core.one_line import one_line
from exporter.core.scope import BlocklistScope
from exporter.mailboxes import MailboxOptions


class SentAddresses(Options):
    """The addresses from which the mail of a probe actually left."""

    from_probe: Name
    """A name from `probes`, of a probe that sends messages. The check queries the address that the
    receiving server saw for its newest message. The option `trusted_authserv_id` of that module
    names the receiver."""


class DnsblOptions(CheckKind):
    """Queries blocklists (RFC 5782) about the target: an address, or a name. A name is queried as a
    domain in `domain_lists`, and its addresses in `lists`. No message is sent."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["lists"]}, {"required": ["domain_lists"]}]}
    )

    defaults: ClassVar[Mapping[str, str]] = {"interval": "1h"}  # lists limit queries

    lists: AddressLists = Field(default_factory=list)
    """Lists of addresses: each is a zone, such as `zen.spamhaus.org`, or a mapping with more
    options."""

    domain_lists: DomainLists = Field(default_factory=list)
    """Lists of domains, such as `dbl.spamhaus.org`."""

    expand: Literal["mx"] | None = None
    """`mx`: the target is a mail domain, and the addresses are those of its exchangers. Default:
    the addresses of the target."""

    addresses: SentAddresses | None = None
    """The addresses come from a probe: those from which its mail actually left. The target, a
    domain, is queried only in `domain_lists`."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        if not given.get("lists") and not given.get("domain_lists"):
            yield "lists or domain_lists is missing"
        sources = [option for option in ("expand", "addresses") if given.get(option) is not None]
        if len(sources) > 1:
            yield ("use expand or addresses, not both: each defines where the addresses come from")
        elif sources and not given.get("lists"):
            yield f"{sources[0]} needs lists: without it, the addresses are not checked"

    @property
    def queried(self) -> Iterator[tuple[BlockListOptions, bool]]:
        """The entries of both options, and whether they list domains."""
        yield from ((entry, False) for entry in self.lists)
        yield from ((entry, True) for entry in self.domain_lists)

    @property
    def blocklists(self) -> list[Blocklist]:
        """The lists of both options."""
        return [entry.blocklist(domains=domains) for entry, domains in self.queried]

    def scope(self, mailboxes: Mapping[str, MailboxOptions]) -> BlocklistScope:
        """The blocklists that are queried. There are no mailboxes in it."""
        return BlocklistScope(tuple(dict.fromkeys(one.name for one in self.blocklists)))

    def canonical(self, target: str) -> str:
        """The canonical form of a target. Raises ValueError with a line for administrators if
        blocklists cannot be queried about it."""
        try:
            subject = Subject.of(target)
        except ValueError as error:
            raise ValueError(f"{one_line(target, 80)!r}: {error}") from None
        if subject.kind is SubjectKind.DOMAIN:
            return subject.text
        if self.expand or self.addresses:
            option = "expand" if self.expand else "addresses"
            raise ValueError(f"{target} is an address, but the option {option} needs a domain")
        if not self.lists:
            raise ValueError(
                f"{target} is an address, but domain_lists contain only domains: add lists"
            )
        if not any(entry.blocklist().takes(subject.kind) for entry in self.lists):
            raise ValueError(
                f"{target} is an IPv6 address, but no list is queried for those (option ipv6)"
            )
        return subject.text
