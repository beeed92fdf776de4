"""What leaves with traces, and what a collector can do."""

import asyncio
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.core.trace.identity import trace_id
from exporter.mail.tokens import candidates
from exporter.net.otlp.answer import MAX_ANSWER
from exporter.tracing.exporter import MOST_SPANS
from tests.security.conftest import Start
from tests.support.collector import Answer, collector
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

SECRET = "hunter2hunter2"
CONFIGURATION = """
tracing:
  endpoint: {url}
  timeout: 1s
  headers: {{Authorization: "Bearer {secret}"}}
mailboxes:
  here: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [probe@example.org]}}}}
modules:
  m:
    interval: 1s
    roundtrip:
      send: {{smtp: {{host: 127.0.0.1, port: {port}}}}}
      from: probe@example.org
      mailbox: here
      headers: {{X-Team: the-team}}
probes:
  - {{name: self, module: m, target: probe@example.org}}
"""


def configuration(url: str) -> str:
    return CONFIGURATION.format(url=url, port=free_port(), secret=SECRET)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)


def succeeded(exporter: Exporter) -> int:
    return len(re.findall(r"trip \w+ of .* succeeded", exporter.log.read_text()))


async def test_headers_go_to_the_collector_alone(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values of `tracing.headers` are sent only to the host of `tracing.endpoint`: redirects
    are not followed, a proxy for plain HTTP is not used, and no entry of `.netrc` replaces them."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login me password of-the-netrc\n")
    netrc.chmod(0o600)
    async with collector() as here, collector() as thief:
        here.answers += [
            Answer(status, b"", {"Location": f"{thief.url}/v1/traces"})
            for status in (301, 302, 303, 307, 308)
        ]
        for name, value in {"HOME": str(tmp_path), "NETRC": str(netrc)}.items():
            monkeypatch.setenv(name, value)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, thief.url)
        exporter = await asyncio.to_thread(start, configuration(here.url))
        await until(lambda: len(here.requests) > 6)
        assert {one["authorization"] for one in here.headers} == {f"Bearer {SECRET}"}
        # The test itself asks mailtrip whether it is ready, and would use the proxy.
        assert not [one for one in thief.paths if one != "GET /-/ready"]
        assert SECRET not in exporter.log.read_text()


async def test_a_trace_says_nothing_that_a_page_hides(start: Start) -> None:
    """A trace contains no secret, no token, no transcript, and no header or text of a message."""
    async with collector() as here:
        exporter = await asyncio.to_thread(start, configuration(here.url))
        await until(lambda: len(here.spans) > 20)
        text = "\n".join(map(str, here.requests)).lower()
        (trip, *_) = re.findall(r"trip (\w{14}) of .* succeeded", exporter.log.read_text())
        assert trace_id(trip) in {span.trace_id for span in here.spans}
        hidden = (SECRET, "the-team", "x-mailtrip", "mail from", "received:", "message-id")
        assert [word for word in (trip, *hidden) if word in text] == [trip]
        assert candidates(text) == []
        await asyncio.to_thread(exporter.stop)


async def test_a_collector_delays_nothing(start: Start) -> None:
    """A collector of traces that is down, silent or hostile delays neither a trip nor the exit of
    mailtrip, which reads at most 64 KiB of an answer, queues at most 20,000 spans, and logs one
    line."""
    assert (MAX_ANSWER, MOST_SPANS) == (64 << 10, 20_000)
    async with collector() as hostile:
        hostile.answers += [Answer(200, b"x" * (1 << 24))] * 1000
        with socket.create_server(("127.0.0.1", 0)) as silent:
            down, port = free_port(), silent.getsockname()[1]
            for url in (f"http://127.0.0.1:{down}", f"http://127.0.0.1:{port}", hostile.url):
                await _has_one_line(await asyncio.to_thread(start, configuration(url)))


async def _has_one_line(exporter: Exporter) -> None:
    await until(lambda: succeeded(exporter) >= 4)
    began = time.monotonic()
    await asyncio.to_thread(exporter.stop)
    # tests/tracing has the exact limit, in virtual time; without it, all is sent again for minutes.
    assert time.monotonic() - began < 20
    log = exporter.log.read_text()
    lines = [one for one in log.splitlines() if "traces" in one]
    assert sum("cannot be exported" in one for one in lines) == 1, lines
    assert "Traceback" not in log
