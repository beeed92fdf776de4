"""What every kind of mailbox is asked. Nothing outside of its own file knows a kind by its name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from exporter.config.finding import Finding
from exporter.config.server import Ports
from exporter.config.types import Listen
from exporter.mailboxes.session import Mailbox
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts


@dataclass(frozen=True, slots=True)
class Reception:
    """Where we listen for those who deliver mail to us."""

    listen: Listen
    recipients: Sequence[str]


class MailboxKind(Protocol):
    """The options of one kind of mailbox."""

    ports: ClassVar[Ports | None]
    """Those of the protocol that it speaks as a client; None if it connects to no port.
    A kind with ports has an option `port`."""

    @property
    def place(self) -> str:
        """Where it is, in words: a server with its port, a directory."""

    @property
    def reception(self) -> Reception | None:
        """None if mailtrip fetches the mail itself."""

    def takes(self, address: str) -> bool:
        """Whether mail to this address may arrive in it, as far as its options say."""

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        """What cannot work in a module that awaits messages of this size there. `name` is what the
        mailbox is called; paths begin at the module."""

    def mailbox(self, resolver: Resolver, accounts: Accounts | None) -> Mailbox:
        """One with these options. `accounts` has the tokens."""
