"""What a session asks of the watcher: whether a message is ours."""

from collections.abc import Callable

from exporter.mailboxes.session import Wanted


def those(which: Callable[[bytes], bool]) -> Wanted:
    """The messages for which this is true are ours."""

    async def wanted(raw: bytes) -> bool:
        return which(raw)

    return wanted


all_of_them = those(lambda raw: True)
