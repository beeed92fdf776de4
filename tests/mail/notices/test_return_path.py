"""The own receiver sees the return path of the envelope, and what it writes above the message tells
of it."""

import pytest

from exporter.mail.message import Kind, read
from tests.mail.notices import SENT, arrived
from tests.support.smtp_receiver import deliver, receiver


@pytest.mark.parametrize(
    ("sender", "raw", "kind"),
    [
        ("", arrived("notices/dma"), Kind.BOUNCE),
        ("", arrived("notices/daemon-and-no-words"), Kind.UNCLEAR),
        ("", arrived("notices/null-sender-and-no-words").partition(b"\n")[2], Kind.UNCLEAR),
        ("", SENT.encode(), Kind.MESSAGE),  # a redirection that wants no bounces
        ("a@lab.test", SENT.encode(), Kind.MESSAGE),
    ],
)
async def test_a_null_return_path_in_the_envelope_counts(
    sender: str, raw: bytes, kind: Kind
) -> None:
    async def wanted(_raw: bytes) -> bool:
        return True

    async with receiver(wanted=wanted) as session:
        await deliver(session, raw.replace(b"\n", b"\r\n"), sender=sender)
        (sighting,) = await session.scan()
        assert sighting.raw.startswith(f"Return-Path: <{sender}>\r\n".encode())
        assert read(sighting.raw).kind is kind
