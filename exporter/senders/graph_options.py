"""The options of sending from a mailbox in Exchange Online."""

from collections.abc import Sequence
from typing import ClassVar

from exporter.config.choice import load
from exporter.config.graph import GraphOptions
from exporter.config.server import Ports
from exporter.core.reasons import OF_A_CONVERSATION, Reason
from exporter.core.steps import Step
from exporter.senders.kind import Means, Sender
from exporter.senders.options import SenderOptions


class GraphSendOptions(GraphOptions, SenderOptions):
    """A mailbox in Exchange Online, by Microsoft Graph: for organizations without SMTP AUTH. The
    application needs the permission `Mail.Send` for this mailbox, which must be that of `from`.
    Exchange Online keeps a copy of each message in its folder Sent Items."""

    ports: ClassVar[Ports | None] = None

    delete_sent: bool = False
    """Whether that copy is deleted, for good, within some seconds after the message was accepted.
    The application then also needs the permission `Mail.ReadWrite`."""

    @property
    def needs(self) -> Sequence[str]:
        return (*super().needs, "exporter.senders.graph")

    @property
    def steps(self) -> frozenset[Step]:
        return frozenset({Step.RESOLVE, Step.CONNECT, Step.DATA})

    @property
    def reasons(self) -> frozenset[Reason]:
        more = {Reason.TLS, Reason.AUTH, Reason.DEFERRED, Reason.MAILBOX_FULL}
        return OF_A_CONVERSATION | more

    def sender(self, target: str, means: Means) -> Sender:
        kind = load("exporter.senders.graph:GraphSender")
        sender: Sender = kind(self, means)
        return sender
