"""The log on standard error: one line per event, as text or JSON, also with text from others in
it."""

import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.core.model import ProbeKey
from exporter.core.one_line import CONTROL

FORMATS = ("text", "json")
_CONTROL = re.compile(f"[{CONTROL}]")


def about(
    trip: str, probe: ProbeKey | None = None, trace_id: str | None = None
) -> Mapping[str, Mapping[str, str]]:
    """The `extra` of a log call: its subject, as separate fields in JSON."""
    return {
        "about": {"trip": trip}
        | ({"module": probe.module, "target": probe.target} if probe else {})
        | ({"trace_id": trace_id} if trace_id else {})
    }


def log_to_stderr(level: str, form: str = FORMATS[0]) -> None:
    """Configures logging for the whole program."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level, handlers=[handler])


class _Text(logging.Formatter):
    """Only a traceback has several lines; each is indented, since an error may quote external
    text."""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return _harmless(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"  {_harmless(line)}" for line in super().formatException(ei).split("\n"))


def _harmless(text: str) -> str:
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Json(logging.Formatter):
    """Uses the field names of Go's slog, as Prometheus does; ASCII, so that it is safe in a
    terminal."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "source": record.name,
        }
        event["msg"] = record.getMessage()
        event |= getattr(record, "about", {})
        if record.exc_info:
            event["error"] = self.formatException(record.exc_info)
        return json.dumps(event)
