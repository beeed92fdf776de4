"""What most kinds of sender answer to `SenderKind`. A kind has only what differs."""

from collections.abc import Iterator
from typing import ClassVar

from exporter.config.finding import Finding
from exporter.senders.kind import Introduction
from exporter.senders.pace import PacedOptions


class SenderOptions(PacedOptions):
    """One server that knows us, and no option with `{target}`."""

    most_servers: ClassVar[int] = 1
    requests_status: ClassVar[bool] = False

    @property
    def falls_back(self) -> bool:
        return False

    @property
    def visits_each(self) -> bool:
        return False

    @property
    def template(self) -> str:
        return ""

    @property
    def introduction(self) -> Introduction | None:
        return None

    def check_target(self, target: str) -> None:
        """Accepts any valid recipient."""

    def needs_target(self, recipient: str) -> bool:
        return False

    def review(self, timeout: float) -> Iterator[Finding]:
        yield from ()
