"""Sends as a trip does, and tells what is left behind."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exporter.composition import ProbeMessage, compose
from exporter.model import Failure, Phase, ProbeError, Step
from exporter.run import Clock, Run
from exporter.senders import Sender
from exporter.tokens import Mint

MINT = Mint(b"k" * 32)
SENDER, RECIPIENT = "probe@lab.test", "someone@example.test"
PATIENCE = 20.0  # seconds; nothing that is awaited takes that long


def probe_message(recipient: str = RECIPIENT, sender: str = SENDER) -> ProbeMessage:
    return compose(MINT.mint(0), sender, recipient, 0)


HEAD = f"""\
Date: Thu, 01 Jan 1970 00:00:00 +0000
From: {SENDER}
Message-ID: <1@lab.test>
Subject: a message

""".replace("\n", "\r\n").encode()
MESSAGES = {
    "a probe": probe_message().raw,
    "dots": HEAD + b".\r\n..\r\n.a line\r\n\r\n.\r\n",
    "a dot at the start of all": b".: x\r\n\r\n.\r\n",
    "lines of 998 octets": HEAD + (b"x" * 998 + b"\r\n") * 3 + b"." + b"y" * 997 + b"\r\n",
    "8-bit": HEAD + "grüße und 例え\r\n".encode() + bytes(range(128, 256)) + b"\r\n",
    "no body": HEAD,
    "empty lines at the end": HEAD + b"\r\n" * 5,
    "three megabytes": HEAD + b".line\r\n" * 450_000,
}
"""Whatever may be in a message, all with CRLF."""


def new_run(patience: float = PATIENCE, clock: Clock | None = None) -> Run:
    return Run(clock or Clock(), session_timeout=patience)


async def send(sender: Sender, message: ProbeMessage, run: Run, timeout: float = PATIENCE) -> Failure | None:
    """What a trip does in its phase `send`; returns what it would fail with."""
    try:
        async with run.deadline(timeout), run.phase(Phase.SEND):
            await sender.send(message, run)
    except ProbeError as error:
        return run.failure(error)
    return None


def steps(run: Run) -> list[Step]:
    """The steps that went well, in their order."""
    return [span.step for span in run.spans if span.step and not span.reason]


def _belongings() -> tuple[set[Any], dict[str, str], set[int]]:
    return asyncio.all_tasks(), dict(_open_files()), set(_children())


def _open_files() -> list[tuple[str, str]]:
    files = Path("/proc/self/fd")
    found = []
    for name in os.listdir(files):
        try:
            found.append((name, os.readlink(files / name)))
        except FileNotFoundError:  # the listing's own
            continue
    return found


def _children() -> list[int]:
    """Zombies too."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            found.append(int(stat.parent.name))
    return found


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """In the end there are no tasks, files, sockets and processes that there were not before, and no error unheard."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    before = _belongings()
    yield
    for _ in range(200):
        if _belongings() == before:
            break
        await asyncio.sleep(0.01)
    assert _belongings() == before
    gc.collect()
    assert errors == []
