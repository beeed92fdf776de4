"""A mailbox in Exchange Online, by Microsoft Graph."""

from exporter.core.phases import Leg
from exporter.core.trace.trace import Trace
from exporter.mailboxes.graph.folder import Folder
from exporter.mailboxes.graph.options import GraphMailboxOptions
from exporter.mailboxes.graph.session import GraphSession
from exporter.mailboxes.session import Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.graph.messages import GraphMessages
from exporter.net.graph.throttle import Throttle
from exporter.net.oauth2 import Accounts


class GraphMailbox:
    """A configured mailbox. It keeps, between sessions, how far its folders were read, and how long
    the server wants no request."""

    listens = False

    def __init__(
        self, options: GraphMailboxOptions, resolver: Resolver, accounts: Accounts | None = None
    ) -> None:
        self._options = options
        self._resolver = resolver
        self._account = (accounts or Accounts()).of(*options.token_login)
        self._folders = [Folder(name) for name in options.folders]
        self._throttle = Throttle()

    async def open(self, trace: Trace, wanted: Wanted) -> GraphSession:
        """Gets a token, and asks for the folders. Cancelling it, like every failure, drops the
        connection."""
        # Only who uses Graph needs an HTTP client.
        from exporter.net.graph.client import GraphClient

        trace.server = self._options.host
        client = GraphClient(
            self._options, self._account, self._resolver, trace, Leg.MAILBOX, self._throttle
        )
        session = GraphSession(
            GraphMessages(client), [*self._folders], self._options.poll_interval, trace
        )
        try:
            await session.open()
        except BaseException:
            session.abort()
            raise
        return session
