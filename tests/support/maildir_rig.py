"""A Maildir of real files, and what delivering programs and mail readers do with it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mailboxes.maildir.mailbox import MaildirMailbox, MaildirSession
from exporter.mailboxes.maildir.options import MaildirOptions
from exporter.mailboxes.session import Sighting
from exporter.net.dns.resolver import Resolver

LONG = 60.0
_numbers = count(1)


def message(subject: str, body: str = "Hello.\n") -> bytes:
    return f"From: <a@lab.test>\nTo: <b@lab.test>\nSubject: {subject}\n\n{body}".encode()


def subjects(sightings: list[Sighting]) -> list[str]:
    lines = [line for sighting in sightings for line in sighting.raw.decode().splitlines()]
    return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]


class Maildir:
    """A Maildir, and what delivering programs and mail readers do with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self.make()

    def make(self, folder: str = "") -> None:
        for name in ("cur", "new", "tmp"):
            (self.path / folder / name).mkdir(parents=True, exist_ok=True)

    def deliver(self, raw: bytes, folder: str = "", *, second: int = 1_700_000_000) -> str:
        """Writes into tmp and links into new, as the specification has it. Returns the name."""
        name = f"{second}.M{next(_numbers)}P7.host"
        draft = self.path / folder / "tmp" / name
        draft.write_bytes(raw)
        os.link(draft, self.path / folder / "new" / name)
        draft.unlink()
        return name

    def read(self, name: str, flags: str = "S", folder: str = "") -> Path:
        """Moves a message from new to cur, or gives it other flags."""
        (old,) = [
            *self.path.glob(f"{folder or '.'}/new/{name}*"),
            *self.path.glob(f"{folder or '.'}/cur/{name}*"),
        ]
        return old.rename(self.path / folder / "cur" / f"{name}:2,{flags}")

    def files(self) -> dict[str, tuple[bytes, int]]:
        """The messages: path, content, mtime."""
        found = [
            file
            for file in self.path.rglob("*")
            if file.is_file() and file.parent.name in ("new", "cur")
        ]
        return {
            str(file.relative_to(self.path)): (file.read_bytes(), file.stat().st_mtime_ns)
            for file in found
        }

    def mailbox(self, **options: object) -> MaildirMailbox:
        return MaildirMailbox(
            MaildirOptions.model_validate({"path": str(self.path), **options}), Resolver()
        )


@asynccontextmanager
async def opened(mailbox: MaildirMailbox, run: Run | None = None) -> AsyncIterator[MaildirSession]:
    session = await mailbox.open(run or Run(Clock()), lambda raw: True)
    try:
        yield session
        await session.close()
    finally:
        session.abort()


async def found(session: MaildirSession, number: int = 1, seconds: float = LONG) -> list[Sighting]:
    """Scans until there are so many messages; in between it waits as long as `seconds`."""
    sightings: list[Sighting] = []
    while len(sightings) < number:
        sightings += await session.scan()
        if len(sightings) < number:
            await session.wait(seconds, Wake())
    return sightings


async def refusal(mailbox: MaildirMailbox) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await mailbox.open(Trace(Clock()), lambda raw: True)
    return caught.value
