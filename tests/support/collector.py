"""A collector of traces that keeps what it gets, and answers as a test wants; and rotel, a real
one."""

import os
import shutil
import subprocess
import sysconfig
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from aiohttp import web

from tests.lab.shell import can_connect, wait_until
from tests.support.ports import free_port

if TYPE_CHECKING:  # imported where a request is made or read, as in the program
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

PROTOBUF = "application/x-protobuf"
ROTEL = Path(sysconfig.get_path("purelib")) / "rotel/rotel-agent"


@dataclass(slots=True)
class Answer:
    """What a collector answers, instead of that it has taken all."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": PROTOBUF})


def rejecting(spans: int, words: str) -> Answer:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTracePartialSuccess,
        ExportTraceServiceResponse,
    )

    partial = ExportTracePartialSuccess(rejected_spans=spans, error_message=words)
    return Answer(body=ExportTraceServiceResponse(partial_success=partial).SerializeToString())


class Collector:
    """Parses each request, so that what is no OTLP fails."""

    def __init__(self, answers: list[Answer] | None = None) -> None:
        self.answers = deque(answers or [])
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """One request, of any method at any path."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        self.paths.append(f"{request.method} {request.path}")
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.requests.append(ExportTraceServiceRequest.FromString(await request.read()))
        answer = self.answers.popleft() if self.answers else Answer()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    @property
    def resources(self) -> "list[ResourceSpans]":
        return [one for request in self.requests for one in request.resource_spans]

    @property
    def spans(self) -> "list[Span]":
        """All that came, in their order."""
        return [span for one in self.resources for scope in one.scope_spans for span in scope.spans]


@asynccontextmanager
async def collector(
    answers: list[Answer] | None = None, *, tls: SSLContext | None = None, port: int = 0
) -> AsyncIterator[Collector]:
    """One that listens on a port of this machine."""
    here, app = Collector(answers), web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", here.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        here.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
        yield here
    finally:
        await runner.cleanup()


@contextmanager
def running_rotel(forward: str) -> Iterator[str]:
    """A real collector, which sends on what it takes, as OTLP. Yields its URL."""
    directory, address = Path(mkdtemp()), f"127.0.0.1:{free_port()}"
    options = {
        "otlp-http-endpoint": address,
        "otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
        "pid-file": str(directory / "pid"),
        "log-file": str(directory / "log"),
        "exporter": "otlp",
        "otlp-exporter-endpoint": forward,
        "otlp-exporter-protocol": "http",
        "otlp-exporter-compression": "none",
        "batch-timeout": "20ms",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    environment = {name: value for name, value in os.environ.items() if "ROTEL" not in name}
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            [ROTEL, "start", *flags], stdout=output, stderr=output, env=environment
        )
    try:
        host, _, port = address.partition(":")
        output_so_far = (directory / "output").read_text
        assert wait_until(lambda: can_connect(host, int(port)), 20), output_so_far()
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(directory)


def attributes(pairs: "Iterable[KeyValue]") -> dict[str, object]:
    """By their names."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in pairs}
