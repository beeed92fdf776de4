"""`mailtrip check --try` asks the collector of traces, and sends no trace."""

from exporter.commands.preflight.attempt import Attempt
from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.report import line
from exporter.settings import Settings
from tests.support.collector import Answer, collector
from tests.support.ports import free_port

SECRET = "hunter2hunter2"


async def tried(url: str) -> Attempt:
    text = f"tracing: {{endpoint: '{url}', headers: {{X-Key: {SECRET}}}, timeout: 1s}}"
    (attempt,) = [one async for one in attempts(Settings.parse(text.encode(), "x"))]
    assert SECRET not in line(attempt)
    return attempt


async def test_a_collector_that_takes_an_empty_request_is_good() -> None:
    async with collector() as here:
        place = here.url.removeprefix("http://")
        assert line(await tried(here.url)).startswith(f"OK      tracing ({place}): 0.")
        assert here.headers[0]["x-key"] == SECRET
        assert not here.spans


async def test_what_is_no_collector_is_named() -> None:
    async with collector([Answer(404), Answer(503), Answer(401)]) as here:
        place = here.url.removeprefix("http://")
        for words in (
            f"{place} answered 404: there is no OTLP over HTTP at this path",
            f"{place} answered 503",
            f"{place} answered 401: it wants another `Authorization` header",
        ):
            said = line(await tried(here.url))
            assert said.startswith(f"FAILED  tracing ({place}): send: ")
            assert said.endswith(words)
    down = f"127.0.0.1:{free_port()}"
    assert f"connect: cannot connect to {down}" in line(await tried(f"http://{down}"))
