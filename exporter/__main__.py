"""`mailtrip`, and `python -m exporter`."""

import signal
import sys

TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Python takes a while to import everything, and in that time signals have to mean something,
    too."""
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # else process 1 of a container would ignore it
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a traceback
    signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGHUP}
    )  # must neither end a mailtrip that starts, nor be lost
    from exporter.commands.cli import main as run

    run()


if __name__ == "__main__":
    main()
