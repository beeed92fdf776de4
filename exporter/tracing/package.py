"""The packages that tracing needs beside mailtrip itself."""

from importlib.util import find_spec

PACKAGE = "mailtrip-exporter[tracing]"


def is_installed() -> bool:
    """Whether they are there."""
    try:
        return find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        return False
