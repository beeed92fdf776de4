"""Sends to a server that takes mail without a login, on a port of its own."""

from collections.abc import Iterator
from typing import ClassVar

from exporter.config.address import PLACEHOLDER, HostTemplate, check_filled, check_host
from exporter.config.finding import Finding
from exporter.config.server import NetworkOptions, Port, Ports
from exporter.config.types import duration_text
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.net.dns.resolver import Resolver
from exporter.net.smtp.own_name import own_name
from exporter.net.smtp.scope import REASONS, STEPS
from exporter.net.smtp.session import session
from exporter.senders.kind import Means
from exporter.senders.options import SenderOptions


class DepotOptions(NetworkOptions, SenderOptions):
    """A server of our own that stores messages."""

    ports: ClassVar[Ports] = Ports("DEPOT", others=(2424,))

    host: HostTemplate
    """Name or address of the server; `{target}` stands for the target."""

    port: Port = 2424
    """TCP port."""

    @property
    def steps(self) -> frozenset[Step]:
        return STEPS

    @property
    def reasons(self) -> frozenset[Reason]:
        return REASONS

    @property
    def template(self) -> str:
        return self.host

    def check_target(self, target: str) -> None:
        if PLACEHOLDER in self.host:
            check_filled("host", check_host, self.host, target)

    def needs_target(self, recipient: str) -> bool:
        return PLACEHOLDER in self.host

    def review(self, timeout: float) -> Iterator[Finding]:
        if timeout > 3600:
            text = f"answers at once, and the module's timeout is {duration_text(timeout)}"
            yield Finding((), text, warning=True)

    def sender(self, target: str, means: Means) -> "DepotSender":
        return DepotSender(self, means.resolver, target)


class DepotSender:
    """One server, one try."""

    def __init__(self, options: DepotOptions, resolver: Resolver, target: str) -> None:
        self._options = options
        self._resolver = resolver
        self._host = options.host.replace(PLACEHOLDER, target)
        self.gap = options.gap or 0.0

    def destination(self, message: ProbeMessage) -> str:
        return f"{self._host.lower()}:{self._options.port}"

    async def send(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(message, run)

    async def preflight(self, message: ProbeMessage, run: Run) -> None:
        await self._visit(None, run)

    async def _visit(self, message: ProbeMessage | None, run: Run) -> None:
        with session(self._host, run) as smtp:
            async with run.conversation(server=self._host):
                await smtp.connect(self._resolver, self._options.port, self._options)
                await smtp.ehlo(own_name())
                if message:
                    await smtp.hand_over(message)
            await smtp.quit()
