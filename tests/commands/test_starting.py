"""What signals mean while mailtrip starts, which takes a while, since Python has much to import."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.shell import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A `mailtrip serve` that has just begun to start."""
    serve = ["serve", "--state.dir", str(tmp_path), "--web.listen-address", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", *serve],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        status = Path(f"/proc/{process.pid}/status")
        assert wait_until(
            lambda: "SigBlk:\t0000000000000001" in status.read_text(), 10, pause=0.001
        )
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)]
)
def test_who_is_told_to_end_while_it_starts_ends_at_once_and_without_a_word(
    starting: subprocess.Popen[str], number: signal.Signals, status: int
) -> None:
    """SIGTERM is handled, since the kernel gives process 1 of a container no signal that it does
    not handle."""
    starting.send_signal(number)
    said, _ = starting.communicate(timeout=10)
    assert (starting.returncode, said) == (status, "")


def test_what_is_there_from_the_start_is_nothing_for_the_garbage_collector(tmp_path: Path) -> None:
    """Else each full collection would hold up the event loop for a tenth of a second."""
    script = """
import asyncio, gc, os, signal, sys
from pathlib import Path
from exporter.commands.lifecycle import Options, serve
from exporter.settings import Settings

def ready():
    print(gc.get_freeze_count(), len(gc.get_objects()), gc.isenabled(), sys.getswitchinterval())
    os.kill(os.getpid(), signal.SIGTERM)

gc.disable()  # as the command line does
asyncio.run(serve(Settings(), Path(sys.argv[1]), Options(listeners=[], ready=ready)))
"""
    said = subprocess.check_output([sys.executable, "-c", script, tmp_path], text=True, timeout=30)
    frozen, left, enabled, interval = said.split()
    assert int(frozen) > 20 * int(left)
    assert enabled == "True"
    assert float(interval) < 0.001, "else each turn of the loop waits 5 ms for a busy thread"
