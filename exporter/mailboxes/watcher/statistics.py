"""What a watcher counts."""

from collections import Counter
from dataclasses import dataclass, field

from exporter.mail.tokens import Rejection


@dataclass
class Statistics:
    """What happened in a mailbox since the start."""

    connected: bool = True  # False while the mailbox is needed and cannot be watched
    reconnects: int = 0
    deleted: int = 0
    messages: int | None = None
    rejected: Counter[Rejection] = field(default_factory=Counter)
