"""A running `mailtrip serve` for tests, as a user would start it."""

import resource
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.support.ports import free_port


class Exporter:
    """Runs from the constructor to `stop` or `kill`. `configuration` is the text of a configuration
    file.

    `meanwhile` is called while it starts.
    """

    def __init__(
        self,
        configuration: str,
        directory: Path,
        *flags: str,
        prefix: str = "",
        meanwhile: Callable[["Exporter"], None] = lambda exporter: None,
    ) -> None:
        self._directory = directory
        self._ready = f"{prefix}/-/ready"
        directory.mkdir(exist_ok=True)
        self.file = file = directory / "mailtrip.yml"
        self.configure(configuration)
        self.log = directory / "mailtrip.log"
        self.address = f"127.0.0.1:{free_port()}"
        command = [
            "-m",
            "exporter",
            "serve",
            "--config.file",
            str(file),
            "--state.dir",
            str(directory / "state"),
        ]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command, *flags, "--web.listen-address", self.address],
                stdout=log,
                stderr=log,
            )
        try:
            meanwhile(self)
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_answers(self) -> None:
        while self._process.poll() is None:
            try:
                self.get(self._ready)
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return
        with self.log.open() as log:
            raise RuntimeError(f"mailtrip ended:\n{log.read(100_000)}")

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    def configure(self, configuration: str) -> None:
        """Writes another configuration, of which it does not know yet."""
        self.file.write_text(configuration)

    def reload(self) -> tuple[int, str]:
        """Asks it to read its configuration; returns the status of the answer, and the answer."""
        request = urllib.request.Request(f"http://{self.address}/-/reload", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def series(self, path: str = "/metrics") -> dict[str, float]:
        """Every series that a page shows."""
        lines = (
            line.rpartition(" ") for line in self.get(path).splitlines() if not line.startswith("#")
        )
        return {name: float(value) for name, _, value in lines}

    def wait_for(self, name: str, path: str = "/metrics") -> float:
        """Returns the value of a series when it is there and not 0; the test's own time limit ends
        the waiting."""
        while not (value := self.series(path).get(name)):
            time.sleep(0.1)
        return value

    def trips(self) -> list[str]:
        """What its state on the disk says of the messages that it knows: leaving, sent, found,
        overdue ..."""
        with closing(sqlite3.connect(self._directory / "state/mailtrip.sqlite")) as state:
            return [one for (one,) in state.execute("SELECT state FROM trips ORDER BY started_at")]

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        return self.series()["process_cpu_seconds_total"]

    @property
    def status(self) -> str:
        """What the kernel says of it (proc(5))."""
        return Path(f"/proc/{self._process.pid}/status").read_text()

    def limit(self, what: int, most: int) -> None:
        """From now on it may use so much of this and no more (setrlimit)."""
        resource.prlimit(self._process.pid, what, (most, most))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it politely; returns its exit status."""
        self._process.send_signal(number)
        return self._process.wait(10)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
