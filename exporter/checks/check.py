"""The interface of all checks: what a module does to a target."""

from abc import ABC, abstractmethod

from exporter.core.home import Home
from exporter.core.model import Exchanger
from exporter.core.trace.run import Run
from exporter.mail.tokens import Token
from exporter.mailboxes.watcher.heartbeats import Listener


class Check:
    """What is asked of any check, with the answers of one that says nothing else."""

    mailbox: str = ""
    """Where messages are awaited; empty if nowhere."""

    signed_by: str = ""
    """Where the key of our signature is in DNS; empty if we do not sign."""

    blocklists: tuple[str, ...] = ()
    """The blocklists that are the whole of the check."""

    listener: Listener | None = None
    """What must know of each message of others in the mailbox."""


class MailCheck(Check, ABC):
    """A check that sends a message, which outlives the process. Without a mailbox its messages must
    be refused."""

    late_after: float
    home: Home  # what is awaited there

    @abstractmethod
    async def run(self, run: Run, token: Token) -> None: ...

    @abstractmethod
    async def resume(self, run: Run, trip: str) -> None: ...


class ExchangerCheck(MailCheck):
    """One that may send a message through each exchanger as well."""

    visits_each: bool

    @abstractmethod
    async def exchangers(self, run: Run) -> list[Exchanger]:
        """Those that there are, one entry for each address. Raises ProbeError."""

    @abstractmethod
    def through(self, exchanger: Exchanger) -> MailCheck:
        """The same check, which sends only through this one."""


class QueryCheck(Check, ABC):
    """A check that sends no message. After a restart it starts again."""

    @abstractmethod
    async def run(self, run: Run) -> None: ...


AnyCheck = MailCheck | QueryCheck
