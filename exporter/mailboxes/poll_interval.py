"""The option `poll_interval` of mailboxes whose servers announce no messages."""

from collections.abc import Iterator

from exporter.config.finding import Finding


def review_interval(seconds: float, name: str, timeout: float) -> Iterator[Finding]:
    """What is wrong with the interval of the mailbox `name` for a module with this timeout. Paths
    begin at the module."""
    if seconds >= timeout:
        text = (
            f"is not longer than poll_interval of the mailbox {name}: the mailbox is polled"
            " only once before the timeout"
        )
        yield Finding(("timeout",), text)
