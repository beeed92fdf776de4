"""The counters of a watcher."""

from collections import Counter
from dataclasses import dataclass, field

from exporter.mail.tokens import Rejection


@dataclass
class Statistics:
    """Statistics of a mailbox since the start."""

    connected: bool = True  # False while the mailbox is needed and cannot be watched
    failure: tuple[str, str, str] = ("", "", "")  # step, reason and code of the newest attempt
    reconnects: int = 0
    deleted: int = 0
    messages: int | None = None
    rejected: Counter[Rejection] = field(default_factory=Counter)
