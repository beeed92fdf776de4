"""The command that makes a trip again, for readers to copy."""

import shlex
from collections.abc import Sequence

from exporter.core.model import ProbeKey


class TripAgain:
    """`mailtrip probe` with the files of the configuration. Without one, mailtrip's own is used."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files

    def command(self, probe: ProbeKey, name: str | None) -> str:
        """For a shell. Without a name, the probe is not in the configuration."""
        words = ["mailtrip", "probe"]
        for file in self._files:
            words += ["--config.file", file]
        words += [] if name else ["--module", probe.module]
        last = name or probe.target
        return shlex.join([*words, *(["--"] if last.startswith("-") else []), last])
