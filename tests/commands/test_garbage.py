"""The garbage collector while mailtrip runs, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it starts processes

BEGIN = """
import gc
gc.disable()  # as the command line does, before it imports the program
import asyncio, os, signal, sys, weakref
from pathlib import Path
from exporter.commands.garbage import GarbageCollector
from exporter.commands.lifecycle import Options, serve
from exporter.settings import Settings

class Node:
    pass

def circle():
    one, other = Node(), Node()
    one.next, other.next = other, one
    return weakref.ref(one)
"""


def said_by(script: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", BEGIN + script, *arguments]
    return subprocess.check_output(command, text=True, timeout=30).split()


def test_a_full_collection_looks_only_at_what_is_new() -> None:
    said = said_by("""
collector = GarbageCollector()
collector.start()
print(gc.isenabled())
gc.disable()
new = [Node() for _ in range(20_000)]
print(len(gc.get_objects()) > 20_000)
gc.collect()
print(len(gc.get_objects()) < 1000)
""")
    assert said == ["True", "True", "True"]


if sys.version_info < (3, 14):  # from then on, collections are incremental

    def test_objects_that_stay_are_frozen_a_few_thousand_at_a_time() -> None:
        """However many there are."""
        said = said_by("""
looked_at = []
collector = GarbageCollector()
collector.start()
gc.callbacks.insert(0, lambda phase, info: looked_at.append(len(gc.get_objects())))
stay = [Node() for _ in range(200_000)]
print(len(gc.get_objects()) < 20_000, max(looked_at) < 20_000)
""")
        assert said == ["True", "True"]


def test_what_was_frozen_and_is_garbage_since_is_found_before_the_memory_doubles() -> None:
    said = said_by("""
collector = GarbageCollector()
collector.start()
gone = circle()
gc.freeze()
gc.collect()
collector.look()
print(gone() is None)  # there is not much of it
more = [Node() for _ in range(2 * gc.get_freeze_count())]
gc.collect()
collector.look()
print(gone() is None, len(gc.get_objects()) < 1000)
print(gc.get_freeze_count() > len(more))
again = circle()
gc.freeze()
collector.look()
print(again() is None)  # it is compared with what is there now
""")
    assert said == ["False", "True", "True", "True", "False"]


def test_a_reload_frees_what_only_the_old_settings_referred_to(tmp_path: Path) -> None:
    said = said_by(
        """
async def main():
    loop = asyncio.get_running_loop()
    def ready():
        global gone
        gone = circle()
        gc.freeze()
        os.kill(os.getpid(), signal.SIGHUP)
    def read():
        loop.call_soon_threadsafe(loop.call_later, 0.5, os.kill, os.getpid(), signal.SIGTERM)
        return Settings()
    await serve(Settings(), Path(sys.argv[1]), Options(listeners=[], ready=ready, read=read))

asyncio.run(main())
print(gone() is None, gc.get_freeze_count() > 20 * len(gc.get_objects()))
""",
        str(tmp_path),
    )
    assert said == ["True", "True"]
