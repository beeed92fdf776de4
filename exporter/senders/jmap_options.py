"""The options of sending through a JMAP server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from exporter.config.choice import load
from exporter.config.jmap import JmapServerOptions
from exporter.config.server import Ports
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.senders.kind import Means, Sender
from exporter.senders.options import SenderOptions


class JmapSendOptions(JmapServerOptions, SenderOptions):
    """A JMAP server that submits mail (RFC 8620, RFC 8621)."""

    ports: ClassVar[Ports | None] = None
    schemes: ClassVar[tuple[str, ...]] = ("jmap",)

    @property
    def needs(self) -> Sequence[str]:
        return (*super().needs, "exporter.senders.jmap")

    @property
    def steps(self) -> frozenset[Step]:
        return self.steps_of_access | {Step.AUTH, Step.MAIL, Step.DATA}

    @property
    def reasons(self) -> frozenset[Reason]:
        return self.reasons_of_access | {Reason.DEFERRED, Reason.MAILBOX_FULL}

    def sender(self, target: str, means: Means) -> Sender:
        sender: Sender = load("exporter.senders.jmap:JmapSender")(
            self, means.resolver, means.accounts
        )
        return sender
