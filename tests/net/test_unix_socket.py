"""Connections to sockets in the file system."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.net.unix_socket import dial_socket


def test_a_server_is_reached_and_noted(tmp_path: Path) -> None:
    path, trace = str(tmp_path / "s"), Trace(Clock())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with dial_socket(path, trace) as client, server.accept()[0] as peer:
            client.sendall(b"hello")
            assert peer.recv(5) == b"hello"
    assert [span.step for span in trace.spans] == [Step.CONNECT]


@pytest.mark.parametrize(
    ("made", "why"),
    [("nothing", "no such file or directory"), ("a file", "connection refused")],
)
def test_an_error_is_one_of_the_step(tmp_path: Path, made: str, why: str) -> None:
    path = tmp_path / "s"
    if made == "a file":
        path.touch()
    with pytest.raises(ProbeError) as caught:
        dial_socket(str(path), Trace(Clock()))
    assert caught.value.reason is Reason.CONNECT
    assert caught.value.detail == f"cannot connect to the socket {path}: {why}"


def test_a_server_that_is_full_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(path)
        server.listen(0)
        with pytest.raises(ProbeError, match="temporarily unavailable"):
            for _ in range(5):
                stack.enter_context(dial_socket(path, Trace(Clock())))
