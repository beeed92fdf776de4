"""A mailbox on a JMAP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.mailboxes.jmap.bookmark import Bookmark
from exporter.mailboxes.jmap.options import JmapOptions
from exporter.mailboxes.session import Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.jmap.errors import Throttled
from exporter.net.oauth2 import Accounts

if TYPE_CHECKING:
    from exporter.mailboxes.jmap.session import JmapSession


class JmapMailbox:
    """A configured mailbox. It keeps, between sessions, how far its messages were read."""

    listens = False

    def __init__(
        self, options: JmapOptions, resolver: Resolver, accounts: Accounts | None = None
    ) -> None:
        self._options = options
        self._resolver = resolver
        self._bookmark = Bookmark()
        self._account = (
            (accounts or Accounts()).of(options.oauth2, options.username or "")
            if options.oauth2
            else None
        )

    async def open(self, trace: Trace, wanted: Wanted) -> JmapSession:
        """Connects, logs in and looks for the folders. Cancelling it, like every failure, drops the
        connection."""
        # Only who uses JMAP needs an HTTP client.
        from exporter.mailboxes.jmap.session import open_session
        from exporter.net.jmap.client import JmapClient

        with trace.failing_step(Step.LOGIN):
            self._bookmark.pause.check(self._options.host, trace.now())
        trace.server = self._options.host
        client = JmapClient(self._options, self._resolver, trace, Leg.MAILBOX, self._account)
        try:
            await client.connect()
            with trace.step(Step.LOGIN):
                await client.log_in()
            with trace.step(Step.SELECT):
                return await open_session(client, trace, self._bookmark)
        except BaseException as error:
            client.abort()
            if isinstance(error, Throttled):
                self._bookmark.pause.impose(error, trace.now())
            raise
