"""`mailtrip`, and `python -m exporter`."""

import gc
import signal
import sys

TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Handles signals already during the import of the program, which takes a while.

    A start makes many objects that stay, and hardly any garbage: to look for it there takes a third
    of the time of a start. `serve` enables the garbage collector again; other commands end soon.
    """
    gc.disable()
    # Else process 1 of a container would ignore it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a traceback
    # Must neither end a mailtrip that starts, nor be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from exporter.commands.cli import main as run

    run()


if __name__ == "__main__":
    main()
