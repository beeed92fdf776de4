"""A real Prometheus for tests: Debian's package, on a free port, with a configuration of the test's
own."""

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

BINARIES = Path(os.environ.get("MAILTRIP_PROMETHEUS_DIR", "/usr/bin"))
"""Debian's, or another version's in a directory of its own."""
NEWER = Path(__file__).resolve().parents[2] / ".newer/usr/bin"
"""Another major version; see tests/newer.sh."""
PROMTOOL = BINARIES / "promtool"


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


class Prometheus:
    """Runs from the constructor to `stop`. `configuration` is the text of a prometheus.yml, or
    JSON."""

    def __init__(self, configuration: str, directory: Path, binaries: Path = BINARIES) -> None:
        self._file = file = directory / "prometheus.yml"
        file.write_text(configuration)
        self.log = directory / "prometheus.log"
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    binaries / "prometheus",
                    f"--config.file={file}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address={address}",
                    "--enable-feature=exemplar-storage",
                    "--storage.tsdb.retention.time=100y",
                    # what fired before it knew its Alertmanager is soon told again
                    "--rules.alert.resend-delay=1s",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> None:
        """Returns when it can be asked. Raises RuntimeError with its log when it cannot live with
        the configuration."""
        while self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"prometheus ended:\n{self.log.read_text()}")

    def query(self, promql: str, at: float | None = None) -> list[Sample]:
        """The instant vector of an expression, now or at a moment in seconds since the epoch."""
        moment = {} if at is None else {"time": at}
        question = urllib.parse.urlencode({"query": promql} | moment)
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{question}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return [Sample(element["metric"], float(element["value"][1])) for element in found]

    def exemplars(self, promql: str) -> list[dict[str, str]]:
        """The labels of each exemplar of the last hour on the series of an expression."""
        now = time.time()
        question = urllib.parse.urlencode({"query": promql, "start": now - 3600, "end": now + 60})
        with urllib.request.urlopen(
            f"{self.url}/api/v1/query_exemplars?{question}", timeout=10
        ) as answer:
            found = json.load(answer)["data"]
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]

    async def wait_for(self, promql: str) -> list[Sample]:
        """Asks until there is an answer; the test's own time limit ends the waiting."""
        while True:
            if samples := await asyncio.to_thread(self.query, promql):
                return samples
            await asyncio.sleep(0.2)

    def reload(self, configuration: str) -> None:
        """Puts another configuration into force, some moments later."""
        self._file.write_text(configuration)
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ends this process and no other."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
