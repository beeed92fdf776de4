"""Heartbeats in a state that perhaps another process has open."""

from pathlib import Path

from exporter.state.schema import FILE
from exporter.state.stored_heartbeats import stored_heartbeats


def test_nothing_is_known_without_a_state(tmp_path: Path) -> None:
    assert stored_heartbeats(tmp_path / "none") == {}
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    assert stored_heartbeats(tmp_path) == {}
