"""What every attack needs: a running mailtrip, and peers that misbehave."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mailtrip_process import Exporter
from tests.support.recording_peers import Listener

Start = Callable[..., Exporter]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Call it with the text of a configuration, and flags: returns a mailtrip that runs until the
    test ends."""
    running: list[Exporter] = []

    def launch(configuration: str, *flags: str) -> Exporter:
        running.append(Exporter(configuration, tmp_path / f"mailtrip-{len(running)}", *flags))
        return running[-1]

    yield launch
    for exporter in running:
        exporter.kill()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    """Call it with what a server says: returns one that listens until the test ends."""
    running: list[Listener] = []

    def launch(*arguments: object, **options: object) -> Listener:
        running.append(Listener(*arguments, **options))  # type: ignore[arg-type]
        return running[-1]

    yield launch
    for one in running:
        one.close()
