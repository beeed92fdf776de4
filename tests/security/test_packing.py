"""What grows when it is read."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.mailboxes.maildir.packing import MOST_PACKED
from exporter.mailboxes.session import READ_LIMIT
from tests.security.test_servers import MIB, costs_at_most
from tests.support.maildir_rig import Maildir, found, opened


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
async def test_compressed_messages_in_a_maildir(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """At most 4 MiB of a compressed file in a Maildir are read, and at most 64 KiB are
    unpacked, whatever its full size."""
    maildir = Maildir(tmp_path / "Maildir")
    bomb = pack(b"Subject: x\n\n" + bytes(20 * MIB))
    async with opened(maildir.mailbox()) as session:
        maildir.deliver(bomb)
        with costs_at_most(16 * MIB):
            (sighting,) = await found(session)
        assert (len(sighting.raw), sighting.cut) == (READ_LIMIT, True)
    assert MOST_PACKED == 4 * MIB
