"""A mailbox that is a directory with one file for each message."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from exporter.config.finding import Finding
from exporter.config.server import Ports
from exporter.config.types import Options, Text
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.mailboxes.session import READ_LIMIT, Sighting, Wanted
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts


class SpoolOptions(Options):
    """A directory with one file for each message."""

    ports: ClassVar[Ports | None] = None
    searches_junk: ClassVar[bool] = False

    path: Text
    """The directory."""

    @property
    def steps(self) -> frozenset[Step]:
        return frozenset({Step.SELECT, Step.DELETE})

    @property
    def reasons(self) -> frozenset[Reason]:
        return frozenset({Reason.UNAVAILABLE})

    @property
    def place(self) -> str:
        return f"the files in {self.path}"

    @property
    def reception(self) -> None:
        """Its mail is fetched."""

    def takes(self, address: str) -> bool:
        return address.endswith("@spool.test")

    def review(self, name: str, timeout: float, size: int) -> Iterator[Finding]:
        if size > READ_LIMIT:
            yield Finding(("roundtrip", "size"), f"is larger than a file in {name} may be")

    def mailbox(self, resolver: Resolver, accounts: Accounts | None) -> "SpoolMailbox":
        return SpoolMailbox(self)


class SpoolMailbox:
    """Opens the directory."""

    listens = False

    def __init__(self, options: SpoolOptions) -> None:
        self._path = Path(options.path)

    async def open(self, run: Run, wanted: Wanted) -> "SpoolSession":
        with run.step(Step.SELECT):
            if not self._path.is_dir():
                raise ProbeError(Reason.UNAVAILABLE, f"{self._path} is no directory")
        return SpoolSession(self._path, run)


class SpoolSession:
    """Looks for new files."""

    messages: int | None = None

    def __init__(self, path: Path, run: Run) -> None:
        self._path = path
        self._run = run
        self._seen: set[Path] = set()

    async def scan(self) -> list[Sighting]:
        fresh = set(self._path.iterdir()) - self._seen
        self._seen |= fresh
        now = self._run.now()
        return [Sighting(one, "", one.read_bytes(), now, watched=True) for one in fresh]

    async def wait(self, seconds: float, wake: Wake) -> None:
        await wake.sleep(seconds)

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            sighting.ref.unlink(missing_ok=True)

    async def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""
