"""Where a command finds the running mailtrip, and whom it trusts."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.commands.local_socket import running_here, runtime_directory, socket_in
from exporter.core.state_directory import default_state_directory


@pytest.fixture
def listening() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(stack: ExitStack, directory: Path) -> str:
    directory.mkdir(exist_ok=True)
    path = socket_in(directory)
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(path)
    server.listen()
    return path


def test_its_own_state_comes_before_the_directories_of_the_unit(
    tmp_path: Path, listening: ExitStack
) -> None:
    state, system = str(tmp_path / "state"), (tmp_path / "a", tmp_path / "b")
    assert running_here(state, system) == ""
    unit = listen(listening, tmp_path / "b")
    assert running_here(state, system) == unit
    own = listen(listening, tmp_path / "state")
    assert running_here(state, system) == own


def test_a_socket_that_nobody_listens_at_and_a_file_are_none(tmp_path: Path) -> None:
    state = str(tmp_path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(socket_in(tmp_path))
    assert running_here(state, ()) == ""
    Path(socket_in(tmp_path)).unlink()
    Path(socket_in(tmp_path)).touch()
    assert running_here(state, ()) == ""


def test_a_directory_of_another_user_counts_only_if_the_configuration_names_it(
    tmp_path: Path, listening: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else anyone could put one into the directory in which root calls the command."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.chdir(tmp_path)
    default = default_state_directory()
    ours = listen(listening, Path(default))
    assert running_here("", ()) == ours
    assert running_here("", (), user=os.geteuid() + 1) == ("" if os.geteuid() else ours)
    assert running_here(default, (), user=os.geteuid() + 1) == ours


def test_systemd_names_the_directory_in_which_we_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert runtime_directory() is None
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/mailtrip:/run/other")
    assert runtime_directory() == Path("/run/mailtrip")
