"""`mailtrip`, and `python -m exporter`."""

import signal


def main() -> None:
    """Before anything else, a SIGHUP is kept for later: it must neither end a mailtrip that starts, nor be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from exporter.cli import main as run

    run()


if __name__ == "__main__":
    main()
