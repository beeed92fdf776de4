"""examples/receivers.yml, with a real Alertmanager: what each receiver is sent, as
docs/notifications.md shows it, and at which times."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.support.alertmanager import Alertmanager
from tests.support.examples import EXAMPLES
from tests.support.prometheus import NEWER

pytestmark = pytest.mark.newer

PAGE = (EXAMPLES.parent / "docs/notifications.md").read_text(encoding="utf-8")
CASES = EXAMPLES.parent / "dashboards/rules/tests/places.yml"
SECRETS = {
    "heartbeat-url": "{url}/heartbeat",
    "pagerduty-key": "0123456789abcdef0123456789abcdef",
    "ntfy-token": "tk_hunter2",
    "slack-url": "{url}/slack",
    "teams-url": "{url}/teams",
    "telegram-token": "123:hunter2",
}
LABELS = {"alertname": "MailtripFailingInMostPlaces", "severity": "critical", "probe": "relay"}


@pytest.fixture(scope="module")
def newer(servers: None) -> Path:
    if not (NEWER / "prometheus-alertmanager").exists():
        pytest.skip(f"there is no Alertmanager in {NEWER}: run make newer")
    return NEWER


class Services:
    """Takes the place of every service, and keeps what it is sent by path."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Any]] = {}
        self.authorization: dict[str, str] = {}
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        path = request.path.strip("/")
        self.sent.setdefault(path, []).append(await request.json())
        self.authorization[path] = request.headers.get("Authorization", "")
        self._news.set()
        answer: Any = {"ok": True, "result": {"message_id": 1, "chat": {"id": 1}}}
        if path == "pager":
            answer = {"status": "success", "message": "", "dedup_key": "x"}
        return web.json_response(answer, status=202 if path == "pager" else 200)

    async def wait_for(self, path: str, count: int = 1) -> Any:
        """The newest body of a path, when there are so many."""
        while len(self.sent.get(path, ())) < count:
            self._news.clear()
            await self._news.wait()
        return self.sent[path][-1]


@pytest.fixture
async def services() -> AsyncIterator[tuple[Services, str]]:
    one = Services()
    application = web.Application()
    application.router.add_post("/{path:.*}", one.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield one, f"http://{host}:{port}"
    await runner.cleanup()


def configuration(url: str, directory: Path) -> dict[str, Any]:
    """The example with the addresses of a test, and with its secrets in files."""
    for name, text in SECRETS.items():
        (directory / name).write_text(text.format(url=url))
    shutil.copy(EXAMPLES / "receivers.tmpl", directory)
    text = (EXAMPLES / "receivers.yml").read_text(encoding="utf-8")
    text = text.replace("/run/secrets/", f"{directory}/")
    text = text.replace("https://ntfy.example.org", url)
    content: dict[str, Any] = yaml.safe_load(text)
    content["templates"] = [str(directory / "receivers.tmpl")]
    content["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    by_name = {receiver["name"]: receiver for receiver in content["receivers"]}
    by_name["pager"]["pagerduty_configs"][0]["url"] = f"{url}/pager"
    by_name["chat"]["telegram_configs"][0]["api_url"] = url
    return content


@pytest.fixture
def alertmanager(
    newer: Path, services: tuple[Services, str], tmp_path: Path
) -> Iterator[Alertmanager]:
    content = configuration(services[1], tmp_path)
    for interval in content["time_intervals"]:  # it is always night
        interval["time_intervals"] = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
    one = Alertmanager(json.dumps(content), tmp_path, newer)
    yield one
    one.stop()


def annotations() -> dict[str, str]:
    """Of an alert as the rules make it."""
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"][0]["alert_rule_test"]
    (expected,) = [
        alert
        for case in cases
        for alert in case["exp_alerts"]
        if case["alertname"] == LABELS["alertname"]
    ]
    return dict(expected["exp_annotations"])


def shown(name: str) -> str:
    """The message of a receiver on the page."""
    (block,) = re.findall(rf"^\*\*{name}\*\*.*?```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def lines(text: str) -> str:
    """Without blank lines at the end."""
    return text.rstrip() + "\n"


def test_the_tool_of_alertmanager_takes_the_example(newer: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [newer / "amtool", "check-config", EXAMPLES / "receivers.yml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical", "pager,phone,chat"),
        ("severity=warning", "chat"),
        ("severity=none alertname=Watchdog", "heartbeat"),
    ],
)
def test_alerts_go_where_they_are_seen(labels: str, receivers: str, newer: Path) -> None:
    command = [str(newer / "amtool"), "config", "routes", "test"]
    flags = [f"--config.file={EXAMPLES / 'receivers.yml'}", f"--verify.receivers={receivers}"]
    done = subprocess.run([*command, *flags, *labels.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(60)
async def test_each_receiver_says_what_the_page_shows(
    alertmanager: Alertmanager, services: tuple[Services, str]
) -> None:
    told, _ = services
    await asyncio.to_thread(alertmanager.wait_ready)
    start = datetime.now(UTC) - timedelta(minutes=12, seconds=40)
    alert = {"labels": LABELS, "annotations": annotations(), "startsAt": start.isoformat()}
    await asyncio.to_thread(alertmanager.take, alert)

    slack = await told.wait_for("slack")
    (attachment,) = slack["attachments"]
    assert lines(f"{attachment['title']}\n{attachment['text']}") == shown("Slack")
    assert attachment["title_link"] == annotations()["trips_url"]
    assert attachment["color"] == "danger"
    telegram = await told.wait_for("bot123:hunter2/sendMessage")
    assert lines(telegram["text"]) == shown("Telegram")
    teams = await told.wait_for("teams")
    blocks = teams["attachments"][0]["content"]["body"]
    assert lines("\n\n".join(block["text"] for block in blocks)) == shown("Teams")
    page = await told.wait_for("pager")
    assert page["event_action"] == "trigger"
    payload = page["payload"]
    details = payload["custom_details"]["firing"]
    assert lines(f"{payload['summary']}\n{details}") == shown("PagerDuty")
    assert payload["severity"] == "critical"
    assert page["links"][0]["href"] == annotations()["runbook_url"]
    phone = await told.wait_for("mailtrip")
    assert told.authorization["mailtrip"] == "Bearer tk_hunter2"
    # What the template of ntfy reads.
    assert (phone["status"], phone["receiver"]) == ("firing", "phone")
    assert phone["alerts"][0]["labels"] == LABELS
    assert phone["alerts"][0]["annotations"]["summary"] in shown("ntfy")

    end = start + timedelta(minutes=12, seconds=40)
    await asyncio.to_thread(alertmanager.take, alert | {"endsAt": end.isoformat()})
    (attachment,) = (await told.wait_for("slack", 2))["attachments"]
    assert lines(f"{attachment['title']}\n{attachment['text']}") == shown("The end of an alert")
    assert attachment["color"] == "good"
    assert (await told.wait_for("pager", 2))["event_action"] == "resolve"


@pytest.mark.timeout(60)
async def test_a_warning_waits_for_the_morning_and_the_heartbeat_is_no_message(
    alertmanager: Alertmanager, services: tuple[Services, str]
) -> None:
    told, _ = services
    await asyncio.to_thread(alertmanager.wait_ready)
    warning = {"labels": LABELS | {"severity": "warning"}, "annotations": annotations()}
    watchdog = {"labels": {"alertname": "Watchdog", "severity": "none"}, "annotations": {}}
    await asyncio.to_thread(alertmanager.take, warning, watchdog)
    await told.wait_for("heartbeat")
    ended = {"endsAt": datetime.now(UTC).isoformat()}
    await asyncio.to_thread(alertmanager.take, watchdog | ended)
    await asyncio.sleep(3)
    assert set(told.sent) == {"heartbeat"}
    assert [body["status"] for body in told.sent["heartbeat"]] == ["firing"]
