"""The default without a configuration, on a port of its own: mailtrip may be running here."""

from pathlib import Path

import exporter
from exporter.settings import Settings
from tests.support.ports import free_port

_FILE = Path(exporter.__file__).parent / "config/embedded.yml"
_PORT = "10926"


def embedded() -> Settings:
    """Settings.embedded() with another port for the receiver."""
    text = _FILE.read_text(encoding="utf-8")
    assert _PORT in text
    return Settings.parse(text.replace(_PORT, str(free_port())).encode(), "embedded.yml")
