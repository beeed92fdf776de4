"""A real Alertmanager for tests, Debian's package on a free port, and a webhook that it tells."""

import asyncio
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.ports import free_port

BINARIES = Path("/usr/bin")
ALERTMANAGER = BINARIES / "prometheus-alertmanager"
AMTOOL = BINARIES / "amtool"


class Alertmanager:
    """Runs from the constructor to `stop`. `configuration` is the text of an alertmanager.yml, or
    JSON."""

    def __init__(self, configuration: str, directory: Path, binaries: Path = BINARIES) -> None:
        file = directory / "alertmanager.yml"
        file.write_text(configuration)
        self.log = directory / "alertmanager.log"
        self.address = f"127.0.0.1:{free_port()}"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    binaries / "prometheus-alertmanager",
                    f"--config.file={file}",
                    f"--storage.path={directory / 'data'}",
                    f"--web.listen-address={self.address}",
                    "--cluster.listen-address=",  # it is alone, and gossips with nobody
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> None:
        """Returns when it takes alerts. Raises RuntimeError with its log when it cannot live with
        the configuration."""
        while self._process.poll() is None:
            try:
                self._get("/-/ready")
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"alertmanager ended:\n{self.log.read_text()}")

    def held_back(self) -> list[dict[str, str]]:
        """The labels of the alerts that it knows and tells nobody about."""
        alerts: list[dict[str, Any]] = json.loads(
            self._get("/api/v2/alerts?inhibited=true&active=false")
        )
        return [alert["labels"] for alert in alerts]

    def take(self, *alerts: dict[str, Any]) -> None:
        """Gives it alerts, as Prometheus does."""
        request = urllib.request.Request(
            f"http://{self.address}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def stop(self) -> None:
        """Ends this process and no other."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
            body: bytes = answer.read()
            return body


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert of a notification. `where` is the path that it was sent to."""

    where: str
    status: str  # firing or resolved
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        return self.labels["alertname"]


class Webhook:
    """Takes what Alertmanager sends to `url` or below it; to be used with `async with`."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self._news = asyncio.Event()
        application = web.Application()
        application.add_routes([web.post("/{where}", self._take)])
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> "Webhook":
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._runner.cleanup()

    async def wait_for(self, name: str, status: str) -> Notice:
        """The first notice of this alert with this status; the test's own time limit ends the
        waiting."""
        while True:
            for notice in self.notices:
                if (notice.name, notice.status) == (name, status):
                    return notice
            self._news.clear()
            await self._news.wait()

    async def wait_for_probe(self, name: str, probe: str) -> Notice:
        """The first notice that this alert fires for this probe, as seen on /metrics."""
        while True:
            for notice in self.notices:
                of = notice.name, notice.status, notice.labels.get("probe")
                if of == (name, "firing", probe):
                    return notice
            self._news.clear()
            await self._news.wait()

    async def _take(self, request: web.Request) -> web.Response:
        where = request.match_info["where"]
        for alert in (await request.json())["alerts"]:
            self.notices.append(
                Notice(where, alert["status"], alert["labels"], alert["annotations"])
            )
        self._news.set()
        return web.Response()
