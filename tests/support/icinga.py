"""A real Icinga 2 for tests: Debian's package, with what it writes to Graphite."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/icinga/mailtrip.conf"
INSTALLED = '"/usr/local/bin/mailtrip"'

CONFIGURATION = """
include <itl>
object CheckerComponent "checker" { }
object GraphiteWriter "graphite" {
  host = "127.0.0.1"
  port = "%(port)d"
  enable_send_thresholds = true
  enable_send_metadata = true
}
object Host "mail" {
  check_command = "dummy"
  vars.mailtrip_url = "%(url)s"
  vars.mailtrip_probes = %(probes)s
}
include "mailtrip.conf"
for (number in range(%(again)d)) {
  object Service "again " + number {
    import "mailtrip"
    host_name = "mail"
    vars.mailtrip_probe = %(probes)s[0]
  }
}
"""


class Graphite:
    """Keeps every metric that it gets, in the order of their arrival: its name and value."""

    def __init__(self) -> None:
        self.metrics: list[tuple[str, float]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile(encoding="utf-8") as lines:
                for line in lines:
                    name, value, _ = line.split(" ")
                    self.metrics.append((name, float(value)))

    def values(self, ending: str, service: str = "") -> list[float]:
        """Of the performance data whose names end so, the oldest first."""
        found = f".{service}." if service else "."
        return [
            value
            for name, value in self.metrics
            if name.endswith(f".mailtrip.perfdata.{ending}") and found in name
        ]

    @property
    def states(self) -> dict[str, float]:
        """The newest state of each service."""
        return {
            name.split(".")[3]: value
            for name, value in self.metrics
            if name.endswith(".mailtrip.metadata.state")
        }

    def close(self) -> None:
        self._listening.close()


class Icinga:
    """Runs from the constructor to `stop`, with the example of the documentation: a service for
    each probe, and for the first of them some others, all checked every second."""

    def __init__(
        self, url: str, probes: list[str], directory: Path, graphite: Graphite, again: int = 20
    ) -> None:
        example = EXAMPLE.read_text(encoding="utf-8")
        assert INSTALLED in example
        command = f'"{sys.executable}", "-m", "exporter"'
        example = example.replace(INSTALLED, command).replace("_interval = 1m", "_interval = 1s")
        (directory / "mailtrip.conf").write_text(example)
        listed = "[ " + ", ".join(f'"{probe}"' for probe in probes) + " ]"
        file = directory / "icinga2.conf"
        file.write_text(
            CONFIGURATION % {"port": graphite.port, "url": url, "probes": listed, "again": again}
        )
        self.log = directory / "icinga2.log"
        defined = ["-DRunAsUser=root", "-DRunAsGroup=root"]
        for name in ("Config", "Data", "Log", "Cache", "Spool", "InitRun"):
            (directory / name).mkdir()
            defined.append(f"-D{name}Dir={directory / name}")
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/icinga2", "daemon", "-c", file, *defined],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def expect_running(self) -> None:
        """Raises RuntimeError with its log when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"icinga2 ended:\n{self.log.read_text()}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
