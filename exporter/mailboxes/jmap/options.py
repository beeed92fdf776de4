"""The options of a mailbox on a JMAP server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.jmap import JmapServerOptions
from exporter.config.server import Ports
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


class JmapOptions(JmapServerOptions):
    """A mailbox on a JMAP server (RFC 8620, RFC 8621). Its inbox is searched, and its mailbox for
    junk: that with the role `junk`, or the one named Junk or Spam in one of many languages."""

    ports: ClassVar[Ports | None] = None
    searches_junk: ClassVar[bool] = True
    schemes: ClassVar[tuple[str, ...]] = ("jmap",)

    @property
    def needs(self) -> Sequence[str]:
        return (*super().needs, "exporter.mailboxes.jmap.mailbox")

    @property
    def steps(self) -> frozenset[Step]:
        return self.steps_of_access | {Step.LOGIN, Step.SELECT, Step.FETCH, Step.DELETE}

    @property
    def reasons(self) -> frozenset[Reason]:
        return self.reasons_of_access | {Reason.JUNK}

    @property
    def reception(self) -> None:
        """None: mailtrip fetches its mail."""

    def takes(self, address: str) -> bool:
        return True

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        yield from ()

    def mailbox(self, resolver: Resolver, accounts: Accounts | None) -> Mailbox:
        mailbox: Mailbox = load("exporter.mailboxes.jmap.mailbox:JmapMailbox")(
            self, resolver, accounts
        )
        return mailbox
