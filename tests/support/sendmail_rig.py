"""The rig of the sendmail program: small programs that take the message, or end in some other
way."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Sender
from tests.support.sender_rig import Hold, Kind, Trouble, make_sender
from tests.support.smtp_witness import Received

TAKES = "cat > $HERE/$$.message"
HANGS = "sleep 600 & wait"
WAITS = "touch $HERE/$$.waits; until test -e $HERE/go; do sleep 0.01; done"

EXITS = [
    (64, Reason.PROGRAM),
    (65, Reason.REJECTED),
    (67, Reason.REJECTED),
    (69, Reason.UNAVAILABLE),
    (75, Reason.DEFERRED),
    (77, Reason.REJECTED),
    (78, Reason.PROGRAM),
]


class SendmailRig:
    """A program that notes what it gets in files that carry its number."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "sendmail"
        self.sender: Sender = make_sender("sendmail", {"path": str(self._path)}, Resolver())
        self.behave()

    def behave(self) -> None:
        self._do(TAKES)

    def _do(self, script: str) -> None:
        here = f"HERE={shlex.quote(str(self._directory))}"
        self._path.write_text(
            f'#!/bin/sh\n{here}\nprintf "%s\\n" "$@" > $HERE/$$.arguments\n{script}\n'
        )
        self._path.chmod(0o755)

    @property
    def received(self) -> Sequence[Received]:
        return [self._received(file) for file in sorted(self._directory.glob("*.message"))]

    def _received(self, file: Path) -> Received:
        raw = file.read_bytes()
        assert b"\r" not in raw  # as every program of Unix, it wants bare LF
        ignore, f, sender, dashes, recipient = (
            file.with_suffix(".arguments").read_text().splitlines()
        )
        assert (ignore, f, dashes) == ("-i", "-f", "--")
        return Received(sender, (recipient,), raw.replace(b"\n", b"\r\n"))

    def misbehave(self, trouble: Trouble) -> None:
        if trouble.name == "gone":
            self._path.unlink()
        else:
            self._do(trouble.how)

    def hold(self, stage: str, clients: int = 1) -> Hold:
        before, after = (WAITS, "") if stage == "before it reads" else ("", WAITS)
        self._do(f"{before}\n{TAKES}\n{after}")
        return FileHold(self._directory, clients)

    async def ended(self) -> None:
        """Whoever has sent has waited for the program's end."""


class FileHold:
    """Programs wait for a file."""

    def __init__(self, directory: Path, clients: int) -> None:
        self._directory = directory
        self._clients = clients

    async def reached(self) -> None:
        while len(list(self._directory.glob("*.waits"))) < self._clients:
            await asyncio.sleep(0.01)

    def release(self) -> None:
        (self._directory / "go").touch()


@asynccontextmanager
async def _rig() -> AsyncIterator[SendmailRig]:
    with TemporaryDirectory() as directory:
        yield SendmailRig(Path(directory))


def _trouble(
    name: str, script: str, reason: Reason, code: str = "", uncertain: bool = False
) -> Trouble:
    return Trouble(name, script, Step.PROGRAM, reason, code, uncertain)


SENDMAIL = Kind(
    _rig,
    (Step.PROGRAM,),
    ("before it reads", "after it has read"),
    (),
    ("before it reads", "after it has read"),  # the pipe holds a small message
    (
        _trouble("gone", "", Reason.PROGRAM, "ENOENT"),
        *(
            _trouble(f"exit {code}", f"{TAKES}; exit {code}", reason, str(code))
            for code, reason in EXITS
        ),
        _trouble(
            "Latin-1", f"{TAKES}; printf 'Empf\\344nger\\n' >&2; exit 67", Reason.REJECTED, "67"
        ),
        _trouble("killed", f"{TAKES}; kill -KILL $$", Reason.PROGRAM, "SIGKILL"),
        _trouble("frozen", f"{TAKES}; {HANGS}", Reason.TIMEOUT, uncertain=True),
    ),
)
