"""The interface of all kinds of mailbox. No other code depends on the name of a kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from exporter.config.finding import Finding
from exporter.config.server import Ports
from exporter.config.types import Listen
from exporter.core.reasons import Reason
from exporter.core.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.mailboxes.session import Mailbox
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


@dataclass(frozen=True, slots=True)
class Reception:
    """The address on which we listen for mail."""

    listen: Listen
    recipients: Sequence[str]


class MailboxKind(Protocol):
    """The options of one kind of mailbox."""

    ports: ClassVar[Ports | None]
    """Those of the protocol that it speaks as a client; None if it connects to no port.
    A kind with ports has an option `port`."""

    searches_junk: ClassVar[bool]
    """Whether it can search a junk folder: always, or with one in its option `folders`."""

    @property
    def steps(self) -> frozenset[Step]:
        """The steps that a session takes with these options: their series exist from the start."""

    @property
    def reasons(self) -> frozenset[Reason]:
        """Why a session with these options may fail: their counters exist from the start. `junk`
        says that it can find messages that were filed as spam. Not `internal`: a bug is
        unexpected."""

    @property
    def place(self) -> str:
        """The location in words: a server with its port, a directory."""

    @property
    def reception(self) -> Reception | None:
        """The listener; None if mailtrip fetches the mail itself."""

    def takes(self, address: str) -> bool:
        """Whether mail to this address may arrive in it, according to its options."""

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        """Errors of a module that expects messages of this size there. `name` is the mailbox; paths
        begin at the module."""

    def mailbox(self, resolver: Resolver, accounts: Accounts | None) -> Mailbox:
        """Creates a mailbox with these options. `accounts` has the tokens."""
