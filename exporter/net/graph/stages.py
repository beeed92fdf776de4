"""The steps of one request: aiohttp says when it resolves, connects, and has a connection."""

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import aiohttp

from exporter.config.grammar import ip_of
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace


class Stages:
    """The step that a request is in: `resolve`, `connect` (with the TLS handshake), then `step`.

    One that is `quiet` is a step only if it fails: not for thousands of polls without a result.
    """

    def __init__(self, trace: Trace, place: str, step: Step, note: str, *, quiet: bool) -> None:
        self._trace = trace
        self._place = place  # host and port
        self._step = step
        self._note = note
        self._quiet = quiet
        self._block: AbstractContextManager[None] | None = None

    def connecting(self) -> None:
        """A new connection is needed."""
        host = self._place.rpartition(":")[0].strip("[]")
        if ip_of(host):
            self.resolved()
        else:
            self.end()
            self._enter(self._trace.step(Step.RESOLVE, host))

    def resolved(self) -> None:
        """The addresses are known."""
        self.end()
        self._enter(self._trace.step(Step.CONNECT, self._place))

    def connected(self) -> None:
        """There is a connection, perhaps one of an earlier request."""
        self.end()
        self._enter(
            self._trace.failing_step(self._step)
            if self._quiet
            else self._trace.step(self._step, self._note)
        )

    def end(self, error: BaseException | None = None) -> None:
        """Ends the step in progress, if there is one."""
        block, self._block = self._block, None
        if block:
            block.__exit__(type(error) if error else None, error, None)

    def _enter(self, block: AbstractContextManager[None]) -> None:
        block.__enter__()
        self._block = block


def tracing() -> aiohttp.TraceConfig:
    """Reports to the `Stages` that a request is made with (`trace_request_ctx`)."""
    config = aiohttp.TraceConfig()

    async def connecting(session: Any, context: SimpleNamespace, _: Any) -> None:
        context.trace_request_ctx.connecting()

    async def resolved(session: Any, context: SimpleNamespace, _: Any) -> None:
        context.trace_request_ctx.resolved()

    async def connected(session: Any, context: SimpleNamespace, _: Any) -> None:
        context.trace_request_ctx.connected()

    config.on_connection_create_start.append(connecting)
    config.on_dns_resolvehost_end.append(resolved)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    return config
