"""The options of a mailbox in Exchange Online."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from exporter.config.choice import load
from exporter.config.finding import Finding
from exporter.config.graph import GraphOptions
from exporter.config.server import Ports
from exporter.config.types import Duration, OneWord
from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step
from exporter.mailboxes.junk import reasons_of_folders
from exporter.mailboxes.poll_interval import review_interval
from exporter.mailboxes.session import Mailbox

if TYPE_CHECKING:
    from exporter.net.dns.resolver import Resolver
    from exporter.net.oauth2 import Accounts


class GraphMailboxOptions(GraphOptions):
    """A mailbox in Exchange Online, by Microsoft Graph: for organizations without IMAP and POP3.
    The application needs the permission `Mail.ReadWrite` for this mailbox."""

    ports: ClassVar[Ports | None] = None
    searches_junk: ClassVar[bool] = True

    folders: list[OneWord] = Field(default=["inbox", "junkemail"], min_length=1, max_length=8)
    """The folders that are searched, by their well-known names in Microsoft Graph or by their ids.
    A folder other than the first is omitted if it does not exist."""

    poll_interval: Duration = 1.0
    """Minimum time between two polls, each of which is a request for each folder. Microsoft allows
    10,000 requests in 10 minutes for each application and mailbox. While a message is fresh, the
    mailbox is polled that often, then less and less often. A delay is reported only if it is known
    within 5 seconds or a tenth of it."""

    @property
    def needs(self) -> Sequence[str]:
        return (*super().needs, "exporter.mailboxes.graph.mailbox")

    @property
    def steps(self) -> frozenset[Step]:
        return frozenset({Step.RESOLVE, Step.CONNECT, Step.SELECT, Step.FETCH, Step.DELETE})

    @property
    def reasons(self) -> frozenset[Reason]:
        return OF_A_CONVERSATION | {Reason.TLS, Reason.AUTH} | reasons_of_folders(self.folders)

    @property
    def place(self) -> str:
        return f"{self.user} at {self.host}"

    @property
    def reception(self) -> None:
        """None: mailtrip fetches its mail."""

    def takes(self, address: str) -> bool:
        return True

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        yield from review_interval(self.poll_interval, name, timeout)

    def mailbox(self, resolver: "Resolver", accounts: "Accounts | None") -> Mailbox:
        mailbox: Mailbox = load("exporter.mailboxes.graph.mailbox:GraphMailbox")(
            self, resolver, accounts
        )
        return mailbox
