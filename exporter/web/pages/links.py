"""Addresses of the web in texts of servers."""

import re
from collections.abc import Iterator

_ADDRESS = re.compile(r"""https?://[^<>"'`{}|\\^\x00-\x20\x7f-\U0010ffff]{4,}""")
_AFTER = ".,;:!?)]"  # belong to the sentence, and not to the address


def linked(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text, and whether each is an address. The text of a link is its address, so
    that it cannot hide where it leads."""
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match[0].rstrip(_AFTER)
        yield text[end : match.start()], False
        yield address, True
        end = match.start() + len(address)
    yield text[end:], False
